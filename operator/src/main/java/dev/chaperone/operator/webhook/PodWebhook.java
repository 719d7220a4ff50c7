package dev.chaperone.operator.webhook;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.access.AccessReviews;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.injection.InjectionDecision;
import dev.chaperone.operator.injection.InjectionSettings;
import dev.chaperone.operator.injection.PodAdmission;
import dev.chaperone.operator.injection.Refusal;
import java.io.IOException;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** Answers about pods, by the connections of their namespace as they are at that moment. */
public final class PodWebhook {
  private final Supplier<InjectionSettings> settings;
  private final ConnectionSource connections;
  private final AccountCheck accounts;
  private final InjectionObserver observer;

  /**
   * Answers about pods.
   *
   * @param settings those of the moment
   * @param executor on which questions to the API server are asked beside each other
   */
  public PodWebhook(
      Supplier<InjectionSettings> settings,
      ConnectionSource connections,
      AccessReviews reviews,
      Executor executor,
      InjectionObserver observer) {
    this.settings = settings;
    this.connections = connections;
    this.accounts = new AccountCheck(reviews, executor);
    this.observer = observer;
  }

  /** Puts the gateway in. */
  public AdmissionAnswer mutate(AdmissionRequest request) throws IOException {
    List<AgentConnection> present = connections.connections(request.namespace());
    PodAdmission admission = new PodAdmission(settings.get());
    AdmissionAnswer answer = admission.mutate(request, present);
    if (answer instanceof AdmissionAnswer.Refused refused) {
      observer.refused(request, refused, present);
    } else if (PodAdmission.isCreation(request)) {
      InjectionDecision decision = admission.decide(request, present);
      if (decision instanceof InjectionDecision.Inject inject) {
        observer.injected(request, inject.connections(), present);
      }
    }
    return answer;
  }

  /** Looks at the pod as it is about to be stored. */
  public AdmissionAnswer validate(AdmissionRequest request) throws IOException {
    List<AgentConnection> present = connections.connections(request.namespace());
    PodAdmission admission = new PodAdmission(settings.get());
    AdmissionAnswer answer = admission.validate(request, present);
    SortedMap<String, String> credentials = admission.credentials(request, present);
    if (!(answer instanceof AdmissionAnswer.Refused) && !credentials.isEmpty()) {
      List<Refusal> refusals = accounts.check(request, credentials);
      if (!refusals.isEmpty()) {
        answer = PodAdmission.refusedFor(refusals);
      }
    }
    if (answer instanceof AdmissionAnswer.Refused refused) {
      observer.refused(request, refused, present);
    }
    return answer;
  }
}
