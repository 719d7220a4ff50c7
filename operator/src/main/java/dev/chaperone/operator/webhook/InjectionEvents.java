package dev.chaperone.operator.webhook;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * Tells of injections and refusals by events: on who made the pod, where that is known, and else on
 * a connection. They are written behind the answer's back; when there are too many, they are left
 * out.
 */
public final class InjectionEvents implements InjectionObserver, AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(InjectionEvents.class.getName());
  private static final int MOST_WAITING = 256;

  /** The same is not said again within this time: controllers try again and again. */
  private static final Duration SAME = Duration.ofSeconds(30);

  private static final int MOST_REMEMBERED = 1_000;

  /** The API server takes no more. */
  private static final int LONGEST_MESSAGE = 1_024;

  private final KubernetesClient client;
  private final String pod;
  private final BlockingQueue<Event> waiting = new ArrayBlockingQueue<>(MOST_WAITING);
  private final Map<String, Long> said = new LinkedHashMap<>();
  private final Thread thread = new Thread(this::run, "events");

  private InjectionEvents(KubernetesClient client, String pod) {
    this.client = client;
    this.pod = pod;
    thread.setDaemon(true);
  }

  /**
   * Begins to write.
   *
   * @param pod the name of the operator's pod, which the events say they come from
   */
  public static InjectionEvents start(KubernetesClient client, String pod) {
    InjectionEvents events = new InjectionEvents(client, pod);
    events.thread.start();
    return events;
  }

  @Override
  public void injected(
      AdmissionRequest request, List<String> names, List<AgentConnection> present) {
    about(request, names, present)
        .ifPresent(
            about ->
                say(
                    request,
                    about,
                    "Normal",
                    "GatewayInjected",
                    "the gateway was put into "
                        + podName(request)
                        + " for "
                        + String.join(", ", names)));
  }

  @Override
  public void refused(
      AdmissionRequest request, AdmissionAnswer.Refused refused, List<AgentConnection> present) {
    about(request, List.of(), present)
        .ifPresent(about -> say(request, about, "Warning", refused.reason(), refused.message()));
  }

  private static String podName(AdmissionRequest request) {
    JsonNode metadata = request.object().path("metadata");
    return metadata.path("name").isTextual()
        ? "pod " + metadata.path("name").asText()
        : "a pod " + metadata.path("generateName").asText() + "...";
  }

  /** The controller that made the pod, or else one of those connections, or else any. */
  private static Optional<ObjectReference> about(
      AdmissionRequest request, List<String> names, List<AgentConnection> present) {
    for (JsonNode owner : request.object().path("metadata").path("ownerReferences")) {
      if (owner.path("controller").asBoolean(false)) {
        return Optional.of(
            new ObjectReferenceBuilder()
                .withApiVersion(owner.path("apiVersion").asText())
                .withKind(owner.path("kind").asText())
                .withNamespace(request.namespace())
                .withName(owner.path("name").asText())
                .withUid(owner.path("uid").asText())
                .build());
      }
    }
    return present.stream()
        .filter(c -> names.isEmpty() || names.contains(c.getMetadata().getName()))
        .findFirst()
        .map(
            connection ->
                new ObjectReferenceBuilder()
                    .withApiVersion(connection.getApiVersion())
                    .withKind(connection.getKind())
                    .withNamespace(connection.getMetadata().getNamespace())
                    .withName(connection.getMetadata().getName())
                    .withUid(connection.getMetadata().getUid())
                    .build());
  }

  private void say(
      AdmissionRequest request, ObjectReference about, String type, String reason, String message) {
    if (request.dryRun() || !isNew(about.getUid() + " " + reason + " " + message)) {
      return;
    }
    // The API server takes no fractions of seconds here.
    String now = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
    Event event =
        new EventBuilder()
            .withNewMetadata()
            .withNamespace(request.namespace())
            .withGenerateName("chaperone-")
            .endMetadata()
            .withInvolvedObject(about)
            .withType(type)
            .withReason(reason)
            .withMessage(
                message.length() <= LONGEST_MESSAGE
                    ? message
                    : message.substring(0, LONGEST_MESSAGE - 3) + "...")
            .withFirstTimestamp(now)
            .withLastTimestamp(now)
            .withCount(1)
            .withNewSource()
            .withComponent("chaperone-operator")
            .endSource()
            .withReportingComponent("chaperone-operator")
            .withReportingInstance(pod)
            .build();
    if (!waiting.offer(event)) {
      LOGGER.log(System.Logger.Level.DEBUG, "an event is left out, too many wait");
    }
  }

  private synchronized boolean isNew(String what) {
    long now = System.nanoTime();
    said.values().removeIf(at -> now - at >= SAME.toNanos());
    if (said.containsKey(what) || said.size() >= MOST_REMEMBERED) {
      return false;
    }
    said.put(what, now);
    return true;
  }

  private void run() {
    try {
      while (true) {
        Event event = waiting.take();
        try {
          client.resource(event).create();
        } catch (KubernetesClientException e) {
          LOGGER.log(System.Logger.Level.DEBUG, "an event is not taken, status {0}", e.getCode());
        }
      }
    } catch (InterruptedException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "no more events");
    }
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
