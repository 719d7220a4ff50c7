package dev.chaperone.operator.webhook;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import java.util.List;

/** For tests that look at something else. */
public final class QuietInjections implements InjectionObserver {
  @Override
  public void injected(
      AdmissionRequest request, List<String> names, List<AgentConnection> present) {}

  @Override
  public void refused(
      AdmissionRequest request, AdmissionAnswer.Refused refused, List<AgentConnection> present) {}
}
