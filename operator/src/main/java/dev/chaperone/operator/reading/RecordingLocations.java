package dev.chaperone.operator.reading;

import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.RecordingState;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** Where recordings are, as the API server knows it. */
final class RecordingLocations {
  private static final Pattern REPLICA = Pattern.compile("[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?");

  private final KubernetesClient client;
  private final String namespace;

  /**
   * Asks the API server.
   *
   * @param client with a deadline for its requests
   * @param namespace the operator's own
   */
  RecordingLocations(KubernetesClient client, String namespace) {
    this.client = client;
    this.namespace = namespace;
  }

  /**
   * Where a recording is.
   *
   * @param replica that has most of it
   */
  record Location(String replica, String podUid, RecordingState state) {}

  /**
   * Where a session's recording is.
   *
   * @throws ApiException where there is no such session, nothing of it is stored, or the API server
   *     does not answer
   */
  Location find(RecordingRequest.Name name) throws ApiException {
    AgentSession session =
        ask(
            () ->
                client
                    .resources(AgentSession.class)
                    .inNamespace(name.namespace())
                    .withName(name.name())
                    .get());
    if (session == null) {
      throw ApiException.notFound("agentsessions.chaperone.dev \"" + name.name() + "\" not found");
    }
    RecordingState state = session.getStatus() == null ? null : session.getStatus().recording();
    String location = state == null || state.location() == null ? "" : state.location();
    int colon = location.indexOf(':');
    String podUid = session.getSpec().podUid();
    if (colon < 1
        || !REPLICA.matcher(location.substring(0, colon)).matches()
        || !location.substring(colon + 1).equals(podUid + "/" + name.name())) {
      throw ApiException.notFound(
          "the store has nothing of session \"" + name.name() + "\", or nothing yet");
    }
    return new Location(location.substring(0, colon), podUid, state);
  }

  /**
   * The address of another replica.
   *
   * @throws ApiException where it is away
   */
  String address(String replica) throws ApiException {
    Pod pod = ask(() -> client.pods().inNamespace(namespace).withName(replica).get());
    String address = pod == null || pod.getStatus() == null ? null : pod.getStatus().getPodIP();
    if (address == null || address.isEmpty()) {
      throw away(replica);
    }
    return address;
  }

  /** Said where a replica is away. */
  static ApiException away(String replica) {
    return ApiException.unavailable(
        "the recording is on the volume of replica "
            + replica
            + " (claim recordings-"
            + replica
            + "), which does not answer now");
  }

  /** A ConfigMap of the operator's own namespace. */
  Optional<ConfigMap> configMap(String name) throws ApiException {
    return Optional.ofNullable(
        ask(() -> client.configMaps().inNamespace(namespace).withName(name).get()));
  }

  private static <T> T ask(Supplier<T> question) throws ApiException {
    try {
      return question.get();
    } catch (KubernetesClientException e) {
      throw ApiException.unavailable("the API server did not say; try again");
    }
  }
}
