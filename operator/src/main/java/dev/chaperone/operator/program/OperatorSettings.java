package dev.chaperone.operator.program;

import dev.chaperone.control.translation.Quantities;
import dev.chaperone.operator.certificates.CertificateSettings;
import dev.chaperone.operator.injection.InjectionSettings;
import dev.chaperone.operator.injection.InjectionSettings.OperatorAddress;
import dev.chaperone.operator.injection.InjectionSettings.PullPolicy;
import dev.chaperone.operator.injection.InjectionSettings.Resources;
import dev.chaperone.operator.injection.OperatorAuthority;
import dev.chaperone.operator.objects.BucketSettings;
import dev.chaperone.operator.reading.ReadingSettings;
import dev.chaperone.operator.store.ObjectSettings;
import dev.chaperone.operator.store.StoreSettings;
import dev.chaperone.operator.webhook.AdmissionLimits;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * What the program is started with, checked.
 *
 * @param namespace the operator's own
 * @param pod the name of its pod
 * @param sidecar what gateways are like, but for the authority, which changes
 * @param webhookPort 0 for a free one
 * @param webhookConfiguration the name of both webhook configurations
 * @param channelPort 0 for a free one
 * @param requestRetention how long an approval request is kept after its end
 * @param sessionRetention how long a session is kept after its end
 * @param store where recordings are kept; empty where they stay with the sidecars
 * @param bucket where they are brought from there; empty where they stay on the volume
 * @param objects when that is done
 * @param reading how they are read through the API server; empty where they are not
 */
public record OperatorSettings(
    String namespace,
    String pod,
    InjectionSettings sidecar,
    int webhookPort,
    String webhookConfiguration,
    int channelPort,
    CertificateSettings certificates,
    AdmissionLimits limits,
    Duration requestRetention,
    Duration sessionRetention,
    Optional<StoreSettings> store,
    Optional<BucketSettings> bucket,
    ObjectSettings objects,
    Optional<ReadingSettings> reading) {
  /** Stands in for the authority until there is one. */
  private static final OperatorAuthority NONE =
      new OperatorAuthority.Inline("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");

  public OperatorSettings {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(pod, "pod");
    Objects.requireNonNull(sidecar, "sidecar");
    Objects.requireNonNull(webhookConfiguration, "webhookConfiguration");
    Objects.requireNonNull(certificates, "certificates");
    Objects.requireNonNull(limits, "limits");
    Objects.requireNonNull(requestRetention, "requestRetention");
    Objects.requireNonNull(sessionRetention, "sessionRetention");
    Objects.requireNonNull(store, "store");
    Objects.requireNonNull(bucket, "bucket");
    Objects.requireNonNull(objects, "objects");
    Objects.requireNonNull(reading, "reading");
    if (bucket.isPresent() && store.isEmpty()) {
      throw new IllegalArgumentException(
          "chaperone.recordings.objects.bucket needs chaperone.recordings.directory: recordings"
              + " arrive there");
    }
    if (reading.isPresent() && store.isEmpty()) {
      throw new IllegalArgumentException(
          "chaperone.reading.port needs chaperone.recordings.directory: there is nothing to read");
    }
  }

  /**
   * Takes what the administrator says.
   *
   * @throws IllegalArgumentException where that cannot be; it says what
   */
  static OperatorSettings of(OperatorConfig config) {
    String host = config.service() + "." + config.namespace() + ".svc";
    List<String> names = new ArrayList<>(List.of(host, host + ".cluster.local"));
    config.certificates().furtherNames().ifPresent(names::addAll);
    // Replicas tell each other apart by it.
    String pod = config.pod().orElseGet(() -> config.service() + "-" + UUID.randomUUID());
    return new OperatorSettings(
        config.namespace(),
        pod,
        new InjectionSettings(
            config.sidecar().image(),
            pullPolicy(config.sidecar().pullPolicy()),
            config.sidecar().uid(),
            new Resources(
                config.sidecar().cpuRequest(),
                config.sidecar().memoryRequest(),
                config.sidecar().memoryLimit()),
            new OperatorAddress(host, config.channel().port()),
            NONE,
            config.sidecar().journalSize(),
            config.sidecar().memorySize()),
        config.webhook().port(),
        config.webhook().configuration(),
        config.channel().port(),
        new CertificateSettings(
            names,
            config.certificates().authorityLife(),
            config.certificates().servingLife(),
            config.certificates().issued(),
            Duration.ofMinutes(1)),
        AdmissionLimits.STANDARD,
        config.request().retention().orElse(Duration.ofDays(7)),
        config.session().retention().orElse(Duration.ofDays(30)),
        store(config.recordings(), pod),
        bucket(config.recordings().objects()),
        new ObjectSettings(
            config.recordings().objects().interval(), config.recordings().objects().keepLocally()),
        reading(config, pod, host));
  }

  private static Optional<StoreSettings> store(OperatorConfig.Recordings said, String pod) {
    return said.directory()
        .map(
            directory ->
                new StoreSettings(
                    Path.of(directory),
                    pod,
                    bytes("size", said.size()),
                    bytes("pod-size", said.podSize()),
                    bytes("most-unstored", said.mostUnstored())));
  }

  private static Optional<BucketSettings> bucket(OperatorConfig.Objects said) {
    return said.bucket()
        .map(
            name ->
                new BucketSettings(
                    name,
                    said.prefix().orElse(""),
                    said.region(),
                    said.endpoint(),
                    said.pathStyle(),
                    said.credentialsDirectory().map(Path::of),
                    said.caFile().map(Path::of),
                    said.kmsKey(),
                    said.lock()));
  }

  private static Optional<ReadingSettings> reading(OperatorConfig config, String pod, String host) {
    return config.reading().port().isPresent()
        ? Optional.of(
            new ReadingSettings(
                config.reading().host(),
                config.reading().port().getAsInt(),
                config.namespace(),
                pod,
                host,
                ReadingSettings.Limits.STANDARD))
        : Optional.empty();
  }

  private static long bytes(String name, String quantity) {
    return Quantities.bytes(quantity)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "chaperone.recordings." + name + " must be a quantity such as 8Gi"));
  }

  private static PullPolicy pullPolicy(String word) {
    return Arrays.stream(PullPolicy.values())
        .filter(policy -> policy.toString().equals(word))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "chaperone.sidecar.pull-policy must be one of "
                        + Arrays.stream(PullPolicy.values())
                            .map(PullPolicy::toString)
                            .collect(Collectors.joining(", "))));
  }

  /** What gateways are like that know the operator by these certificates. */
  InjectionSettings sidecarWith(String authorities) {
    return new InjectionSettings(
        sidecar.image(),
        sidecar.pullPolicy(),
        sidecar.uid(),
        sidecar.resources(),
        sidecar.operator(),
        new OperatorAuthority.Inline(authorities),
        sidecar.journalSize(),
        sidecar.memorySize());
  }
}
