package dev.chaperone.operator.distribution;

import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Events for people. One that cannot be written is no reason to stop anything. */
public final class EventWriter {
  /** What happened. */
  public enum Kind {
    /** As it should be. */
    NORMAL("Normal"),
    /** Somebody has to look. */
    WARNING("Warning");

    private final String label;

    Kind(String label) {
      this.label = label;
    }
  }

  private static final System.Logger LOGGER = System.getLogger(EventWriter.class.getName());
  private static final int MAX_MESSAGE = 1_000;

  private final KubernetesClient client;
  private final String instance;
  private final Clock clock;

  /**
   * @param instance the replica's pod
   */
  public EventWriter(KubernetesClient client, String instance, Clock clock) {
    this.client = client;
    this.instance = instance;
    this.clock = clock;
  }

  /** Writes one about a resource. */
  public void write(HasMetadata about, Kind kind, String reason, String message) {
    String namespace = about.getMetadata().getNamespace();
    String now = Instant.now(clock).truncatedTo(ChronoUnit.SECONDS).toString();
    try {
      client
          .v1()
          .events()
          .inNamespace(namespace)
          .resource(
              new EventBuilder()
                  .withNewMetadata()
                  .withGenerateName("chaperone-")
                  .withNamespace(namespace)
                  .endMetadata()
                  .withNewInvolvedObject()
                  .withApiVersion(about.getApiVersion())
                  .withKind(about.getKind())
                  .withNamespace(namespace)
                  .withName(about.getMetadata().getName())
                  .withUid(about.getMetadata().getUid())
                  .withResourceVersion(about.getMetadata().getResourceVersion())
                  .endInvolvedObject()
                  .withType(kind.label)
                  .withReason(reason)
                  .withMessage(Words.shown(message, MAX_MESSAGE))
                  .withFirstTimestamp(now)
                  .withLastTimestamp(now)
                  .withCount(1)
                  .withReportingComponent("chaperone.dev/operator")
                  .withReportingInstance(instance)
                  .withNewSource()
                  .withComponent("chaperone-operator")
                  .endSource()
                  .build())
          .create();
    } catch (KubernetesClientException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "event not written reason={0} error={1}",
          reason,
          ApiErrors.describe(e));
    }
  }
}
