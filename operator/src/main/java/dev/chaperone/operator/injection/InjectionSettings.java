package dev.chaperone.operator.injection;

import dev.chaperone.operator.injection.OperatorAuthority.ConfigMap;
import dev.chaperone.operator.injection.OperatorAuthority.Inline;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * What the administrator says of every gateway that is put in.
 *
 * @param image the gateway's image; best named by digest
 * @param pullPolicy when the image is pulled
 * @param uid user and group of the gateway, 10000 to 65533, a number no agent's image uses. The
 *     default is not 65532, which is the {@code nonroot} user of widely used base images
 * @param resources what the gateway is given
 * @param operator where the operator is
 * @param authority by what certificate the operator is known
 * @param journalSize the most that the journal may hold on the node, such as {@code 1Gi}
 * @param memorySize the most that files in memory may hold, such as {@code 32Mi}; part of the
 *     memory limit
 */
public record InjectionSettings(
    String image,
    PullPolicy pullPolicy,
    long uid,
    Resources resources,
    OperatorAddress operator,
    OperatorAuthority authority,
    String journalSize,
    String memorySize) {
  /** The user and group of the gateway unless the administrator says otherwise. */
  public static final long DEFAULT_UID = 64532;

  private static final Pattern HOST = Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");
  private static final Pattern NAME = HOST;
  private static final Pattern KEY = Pattern.compile("[-_a-zA-Z0-9][-._a-zA-Z0-9]{0,252}");
  private static final int LONGEST_PEM = 64 * 1024;

  public InjectionSettings {
    Objects.requireNonNull(pullPolicy, "pullPolicy");
    Objects.requireNonNull(resources, "resources");
    Objects.requireNonNull(operator, "operator");
    Objects.requireNonNull(authority, "authority");
    check(!image.isBlank() && image.length() <= 1024 && image.equals(image.strip()), "image");
    check(uid >= 10_000 && uid <= 65_533, "uid must be from 10000 to 65533");
    quantity("journalSize", journalSize);
    quantity("memorySize", memorySize);
    if (authority instanceof ConfigMap map) {
      check(NAME.matcher(map.name()).matches(), "authority: not the name of a ConfigMap");
      check(KEY.matcher(map.key()).matches(), "authority: not the key of a ConfigMap");
    } else if (authority instanceof Inline inline) {
      check(
          inline.pem().startsWith("-----BEGIN CERTIFICATE-----")
              && inline.pem().length() <= LONGEST_PEM
              && inline.pem().indexOf('$') < 0,
          "authority: not certificates in PEM");
    }
  }

  /** When an image is pulled, in the words of Kubernetes. */
  public enum PullPolicy {
    /** Each time. */
    ALWAYS("Always"),
    /** Unless the node has it. */
    IF_NOT_PRESENT("IfNotPresent"),
    /** The node must have it. */
    NEVER("Never");

    private final String word;

    PullPolicy(String word) {
      this.word = word;
    }

    String word() {
      return word;
    }

    /** In the words of Kubernetes. */
    @Override
    public String toString() {
      return word;
    }
  }

  /**
   * What the gateway is given, as quantities of Kubernetes. It has no limit of processor time: that
   * would be paid in the agent's latency.
   */
  public record Resources(String cpuRequest, String memoryRequest, String memoryLimit) {
    /** Measured: 115 MiB when idle, 140 MiB under load. */
    public static final Resources DEFAULT = new Resources("50m", "128Mi", "256Mi");

    public Resources {
      quantity("cpuRequest", cpuRequest);
      quantity("memoryRequest", memoryRequest);
      quantity("memoryLimit", memoryLimit);
    }
  }

  /** Where gateways find the operator. */
  public record OperatorAddress(String host, int port) {
    public OperatorAddress {
      check(HOST.matcher(host).matches(), "operator: not a host name in lower case");
      check(port >= 1 && port <= 65_535, "operator: not a port");
    }

    @Override
    public String toString() {
      return host + ":" + port;
    }
  }

  private static void quantity(String name, String text) {
    boolean positive;
    try {
      positive = new Quantity(text).getNumericalAmount().signum() > 0;
    } catch (IllegalArgumentException e) {
      positive = false;
    }
    check(positive, name + " must be a quantity above zero, such as 128Mi");
  }

  private static void check(boolean holds, String problem) {
    if (!holds) {
      throw new IllegalArgumentException(problem);
    }
  }
}
