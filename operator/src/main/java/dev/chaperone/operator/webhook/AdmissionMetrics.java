package dev.chaperone.operator.webhook;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.policy.VisibleText;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.List;

/** Counts answers, and says each refusal in the log: where and why, and nothing of the content. */
public final class AdmissionMetrics implements AdmissionObserver {
  private static final System.Logger LOGGER = System.getLogger(AdmissionMetrics.class.getName());

  private final MeterRegistry registry;

  public AdmissionMetrics(MeterRegistry registry) {
    this.registry = registry;
  }

  @Override
  public void answered(
      String path, AdmissionRequest request, AdmissionAnswer answer, Duration took) {
    registry.timer("chaperone.admission", "path", path, "outcome", outcome(answer)).record(took);
    if (answer instanceof AdmissionAnswer.Refused refused) {
      LOGGER.log(
          System.Logger.Level.INFO,
          "refused request={0} owner={1} by={2} reason={3}",
          request,
          VisibleText.of(owner(request)),
          VisibleText.of(request.user().name()),
          refused.reason());
    }
  }

  private static String outcome(AdmissionAnswer answer) {
    if (answer instanceof AdmissionAnswer.Refused) {
      return "refused";
    }
    return answer instanceof AdmissionAnswer.Patched ? "patched" : "allowed";
  }

  private static String owner(AdmissionRequest request) {
    var owner = request.object().path("metadata").path("ownerReferences").path(0);
    return owner.isMissingNode()
        ? "none"
        : owner.path("kind").asText() + "/" + owner.path("name").asText();
  }

  @Override
  public void turnedAway(String path, int status) {
    registry
        .counter(
            "chaperone.admission.turned.away", "path", path, "status", Integer.toString(status))
        .increment();
  }

  /** The same for what becomes of pods, handed on to another one. */
  public InjectionObserver counting(InjectionObserver next) {
    return new InjectionObserver() {
      @Override
      public void injected(
          AdmissionRequest request, List<String> names, List<AgentConnection> present) {
        count("injected", "GatewayInjected");
        next.injected(request, names, present);
      }

      @Override
      public void refused(
          AdmissionRequest request,
          AdmissionAnswer.Refused refused,
          List<AgentConnection> present) {
        count("refused", refused.reason());
        next.refused(request, refused, present);
      }
    };
  }

  private void count(String outcome, String reason) {
    registry.counter("chaperone.injections", "outcome", outcome, "reason", reason).increment();
  }
}
