package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * The gateway's container and its volumes, made from nothing that the pod says.
 *
 * <p>Every field that the API server would fill in with a default is written out, so that the final
 * pod must hold exactly this (see {@link Difference} for the few things that may be added).
 *
 * @param json the container
 * @param volumes in the order in which they are added
 */
record SidecarContainer(ObjectNode json, List<ObjectNode> volumes) {
  /**
   * Where the token is. It is the place where Kubernetes mounts the token of the pod's service
   * account into every container that mounts nothing there: the gateway does without that one, and
   * nobody can reach the API server through the gateway as the agent.
   */
  private static final String TOKEN_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

  /** Below it: {@code CONNECTION/SECRET/KEY}. */
  private static final String SECRETS_DIRECTORY = "/var/run/chaperone/secrets";

  private static final String JOURNAL_DIRECTORY = "/var/lib/chaperone/journal";

  /**
   * The containers of a pod share /dev/shm, where the journal keeps what is not on disk yet; an
   * agent that is root in its container could change it. So the gateway has one of its own.
   */
  private static final String SHARED_MEMORY = "/dev/shm";

  /** The root file system is read-only; the Java runtime unpacks native libraries. */
  private static final String TEMPORARY = "/tmp";

  /** Kubernetes renews the token when 80 % of this has passed; 600 is the least it gives. */
  private static final int TOKEN_SECONDS = 600;

  /**
   * Readable by everybody, because files of a Secret belong to root and the gateway is not root. A
   * group for the whole pod (fsGroup) would let the agent's containers in; that nobody else mounts
   * the volume keeps them out.
   */
  private static final int READABLE = 0444;

  /** Makes both. */
  static SidecarContainer of(InjectionSettings settings, List<SidecarConnection> connections) {
    return new SidecarContainer(
        container(settings),
        List.of(
            tokenVolume(settings.authority()),
            secretsVolume(connections),
            journalVolume(settings),
            memoryVolume(settings)));
  }

  private static ObjectNode container(InjectionSettings settings) {
    ObjectNode container = object();
    container.put("name", GatewayNames.CONTAINER);
    container.put("image", settings.image());
    container.put("imagePullPolicy", settings.pullPolicy().word());
    container.put("restartPolicy", "Always");
    container.putArray("args").add("cluster");
    environment(container.putArray("env"), settings);
    ObjectNode resources = container.putObject("resources");
    resources.putObject("limits").put("memory", settings.resources().memoryLimit());
    resources
        .putObject("requests")
        .put("cpu", settings.resources().cpuRequest())
        .put("memory", settings.resources().memoryRequest());
    securityContext(container.putObject("securityContext"), settings.uid());
    // A cold start takes seconds of processor time, and minutes where a node starts many pods at
    // once. Who begins anew then never ends. A failing one takes 20 seconds, most of which it
    // waits.
    probe(container.putObject("startupProbe"), "startup", 10, 60);
    // Each costs the node a tenth of a second of a processor.
    probe(container.putObject("readinessProbe"), "ready", 20, 3);
    probe(container.putObject("livenessProbe"), "live", 60, 3);
    container.put("terminationMessagePath", "/dev/termination-log");
    container.put("terminationMessagePolicy", "File");
    ArrayNode mounts = container.putArray("volumeMounts");
    mount(mounts, GatewayNames.TOKEN_VOLUME, TOKEN_DIRECTORY).put("readOnly", true);
    mount(mounts, GatewayNames.SECRETS_VOLUME, SECRETS_DIRECTORY).put("readOnly", true);
    mount(mounts, GatewayNames.JOURNAL_VOLUME, JOURNAL_DIRECTORY);
    mount(mounts, GatewayNames.MEMORY_VOLUME, SHARED_MEMORY);
    mount(mounts, GatewayNames.MEMORY_VOLUME, TEMPORARY);
    return container;
  }

  private static void environment(ArrayNode env, InjectionSettings settings) {
    variable(env, "CHAPERONE_OPERATOR", settings.operator().toString());
    if (settings.authority() instanceof OperatorAuthority.Inline inline) {
      variable(env, "CHAPERONE_CA", inline.pem());
    } else {
      variable(env, "CHAPERONE_CA_FILE", TOKEN_DIRECTORY + "/ca.crt");
    }
    variable(env, "CHAPERONE_TOKEN_FILE", TOKEN_DIRECTORY + "/token");
    variable(env, "CHAPERONE_SECRETS_DIR", SECRETS_DIRECTORY);
    variable(env, "CHAPERONE_JOURNAL_DIR", JOURNAL_DIRECTORY);
    downward(env, "POD_NAME", "metadata.name");
    downward(env, "POD_NAMESPACE", "metadata.namespace");
    downward(env, "POD_UID", "metadata.uid");
  }

  private static void variable(ArrayNode env, String name, String value) {
    env.addObject().put("name", name).put("value", value);
  }

  private static void downward(ArrayNode env, String name, String field) {
    env.addObject()
        .put("name", name)
        .putObject("valueFrom")
        .putObject("fieldRef")
        .put("apiVersion", "v1")
        .put("fieldPath", field);
  }

  private static void securityContext(ObjectNode context, long uid) {
    context.put("allowPrivilegeEscalation", false);
    context.putObject("capabilities").putArray("drop").add("ALL");
    context.put("privileged", false);
    context.put("readOnlyRootFilesystem", true);
    context.put("runAsGroup", uid);
    context.put("runAsNonRoot", true);
    context.put("runAsUser", uid);
    context.putObject("seccompProfile").put("type", "RuntimeDefault");
  }

  /**
   * The kubelet would ask an HTTP probe at the pod's address, which the agent shares: the agent
   * could answer in the gateway's place, and the gateway would have to listen where other pods
   * reach it. A command runs inside the gateway's container, where only the kubelet can start it.
   */
  private static void probe(ObjectNode probe, String what, int period, int failures) {
    probe.putObject("exec").putArray("command").add("chaperone-sidecar").add("probe").add(what);
    probe.put("failureThreshold", failures);
    probe.put("periodSeconds", period);
    probe.put("successThreshold", 1);
    probe.put("timeoutSeconds", 30);
  }

  private static ObjectNode mount(ArrayNode mounts, String volume, String path) {
    return mounts.addObject().put("name", volume).put("mountPath", path);
  }

  private static ObjectNode tokenVolume(OperatorAuthority authority) {
    ObjectNode volume = object().put("name", GatewayNames.TOKEN_VOLUME);
    ObjectNode projected = volume.putObject("projected").put("defaultMode", READABLE);
    ArrayNode sources = projected.putArray("sources");
    sources
        .addObject()
        .putObject("serviceAccountToken")
        .put("audience", GatewayNames.AUDIENCE)
        .put("expirationSeconds", TOKEN_SECONDS)
        .put("path", "token");
    if (authority instanceof OperatorAuthority.ConfigMap map) {
      ObjectNode source = sources.addObject().putObject("configMap").put("name", map.name());
      source.putArray("items").addObject().put("key", map.key()).put("path", "ca.crt");
    }
    return volume;
  }

  /**
   * One volume for all connections: names of volumes are shorter than names of connections. A
   * Secret that is missing keeps no pod from starting; the gateway says so, and denies.
   */
  private static ObjectNode secretsVolume(List<SidecarConnection> connections) {
    ObjectNode volume = object().put("name", GatewayNames.SECRETS_VOLUME);
    ObjectNode projected = volume.putObject("projected").put("defaultMode", READABLE);
    ArrayNode sources = projected.putArray("sources");
    for (SidecarConnection connection : connections) {
      connection
          .secrets()
          .forEach(
              (secret, keys) -> {
                ObjectNode source = sources.addObject().putObject("secret").put("name", secret);
                ArrayNode items = source.putArray("items");
                for (String key : keys) {
                  items
                      .addObject()
                      .put("key", key)
                      .put("path", connection.name() + "/" + secret + "/" + key);
                }
                source.put("optional", true);
              });
    }
    return volume;
  }

  private static ObjectNode journalVolume(InjectionSettings settings) {
    ObjectNode volume = object().put("name", GatewayNames.JOURNAL_VOLUME);
    volume.putObject("emptyDir").put("sizeLimit", settings.journalSize());
    return volume;
  }

  private static ObjectNode memoryVolume(InjectionSettings settings) {
    ObjectNode volume = object().put("name", GatewayNames.MEMORY_VOLUME);
    volume.putObject("emptyDir").put("medium", "Memory").put("sizeLimit", settings.memorySize());
    return volume;
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }
}
