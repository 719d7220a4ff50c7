package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.admission.AdmissionRequest.Operation;
import dev.chaperone.operator.injection.RawPod.MalformedPodException;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Answers the API server's questions about pods. What the webhooks are registered for is answered;
 * anything else is left alone by the mutating one and refused by the validating one.
 */
public final class PodAdmission {
  private static final String EPHEMERAL_CONTAINERS = "ephemeralcontainers";

  /** What of a pod can be updated with an effect on its containers. */
  private static final Set<String> UPDATED = Set.of("", EPHEMERAL_CONTAINERS, "resize");

  private static final int MOST_SHOWN = 20;

  private final InjectionSettings settings;

  public PodAdmission(InjectionSettings settings) {
    this.settings = Objects.requireNonNull(settings, "settings");
  }

  /**
   * What is done with a new pod, for events and metrics too.
   *
   * @param connections of the namespace of the pod
   */
  public InjectionDecision decide(AdmissionRequest request, List<AgentConnection> connections) {
    return InjectionDecision.of(request.object(), request.namespace(), connections, settings);
  }

  /**
   * Answers the mutating webhook.
   *
   * @param connections of the namespace of the pod
   */
  public AdmissionAnswer mutate(AdmissionRequest request, List<AgentConnection> connections) {
    if (isOfPods(request, Operation.CREATE, "")) {
      return answer(decide(request, connections));
    }
    if (isOfPods(request, Operation.UPDATE, EPHEMERAL_CONTAINERS)) {
      return mutateEphemeralContainers(request);
    }
    return AdmissionAnswer.allowed();
  }

  private static AdmissionAnswer mutateEphemeralContainers(AdmissionRequest request) {
    try {
      RawPod before = RawPod.of(request.oldObject());
      RawPod after = RawPod.of(request.object());
      return before.gateway().isPresent()
          ? patched(PodPatch.ofEphemeralContainers(before, after), List.of())
          : AdmissionAnswer.allowed();
    } catch (MalformedPodException e) {
      return refused(List.of(e.refusal()));
    }
  }

  /** The answer that a decision is. */
  public static AdmissionAnswer answer(InjectionDecision decision) {
    if (decision instanceof InjectionDecision.Refused refused) {
      return refused(refused.refusals());
    }
    if (decision instanceof InjectionDecision.Inject inject) {
      return patched(inject.patch(), inject.warnings());
    }
    return decision instanceof InjectionDecision.NotSelected notSelected
        ? patched(notSelected.patch(), List.of())
        : AdmissionAnswer.allowed();
  }

  /**
   * Answers the validating webhook.
   *
   * @param connections of the namespace of the pod
   */
  public AdmissionAnswer validate(AdmissionRequest request, List<AgentConnection> connections) {
    List<Refusal> refusals;
    if (isOfPods(request, Operation.CREATE, "")) {
      refusals =
          FinalPodCheck.created(request.object(), request.namespace(), connections, settings);
    } else if (request.resource().equals("pods")
        && request.operation() == Operation.UPDATE
        && UPDATED.contains(request.subResource())) {
      refusals =
          FinalPodCheck.updated(
              request.oldObject(), request.object(), request.namespace(), connections, settings);
    } else {
      return AdmissionAnswer.refused(
          "NotAPodRequest",
          "Chaperone's webhook for pods was asked about "
              + request
              + ": correct the rules of the ValidatingWebhookConfiguration");
    }
    return refusals.isEmpty() ? AdmissionAnswer.allowed() : refused(refusals);
  }

  /**
   * What the service account of a new pod must not be able to read: the Secrets with credentials of
   * the connections that select it, but for those that say {@code refusePrivileged: false}.
   *
   * @param connections of the namespace of the pod
   * @return the name of one such connection, by Secret; empty for any other request
   */
  public SortedMap<String, String> credentials(
      AdmissionRequest request, List<AgentConnection> connections) {
    SortedMap<String, String> credentials = new TreeMap<>();
    if (isOfPods(request, Operation.CREATE, "")) {
      try {
        for (AgentConnection connection :
            GatewayPlan.selecting(RawPod.of(request.object()), request.namespace(), connections)) {
          if (!Boolean.FALSE.equals(connection.getSpec().agents().refusePrivileged())) {
            GuardedSecrets.of(List.of(connection))
                .forEach(s -> credentials.putIfAbsent(s, connection.getMetadata().getName()));
          }
        }
      } catch (MalformedPodException e) {
        // It is refused for that.
        return credentials;
      }
    }
    return credentials;
  }

  /** Whether it is about a new pod. */
  public static boolean isCreation(AdmissionRequest request) {
    return isOfPods(request, Operation.CREATE, "");
  }

  /** Why a pod is refused whose service account may read a credential. */
  public static Refusal privileged(String account, String secret, String connection) {
    return new Refusal(
        RefusalReason.PRIVILEGED_ACCOUNT,
        "spec.serviceAccountName",
        "service account "
            + account
            + " may read Secret "
            + secret
            + ", the credential of AgentConnection "
            + connection);
  }

  /** The answer that these reasons are; there is at least one. */
  public static AdmissionAnswer refusedFor(List<Refusal> refusals) {
    return refused(refusals);
  }

  private static boolean isOfPods(
      AdmissionRequest request, Operation operation, String subResource) {
    return request.resource().equals("pods")
        && request.operation() == operation
        && request.subResource().equals(subResource);
  }

  private static AdmissionAnswer patched(ArrayNode patch, List<String> warnings) {
    return patch.isEmpty()
        ? new AdmissionAnswer.Allowed(warnings)
        : new AdmissionAnswer.Patched(patch, warnings);
  }

  private static AdmissionAnswer refused(List<Refusal> refusals) {
    String shown =
        refusals.stream()
            .limit(MOST_SHOWN)
            .map(Refusal::toString)
            .collect(Collectors.joining("\n- ", "Chaperone refuses this pod:\n- ", ""));
    int more = refusals.size() - MOST_SHOWN;
    return AdmissionAnswer.refused(
        refusals.get(0).reason().eventReason(),
        more > 0 ? shown + "\n- and " + more + " more" : shown);
  }
}
