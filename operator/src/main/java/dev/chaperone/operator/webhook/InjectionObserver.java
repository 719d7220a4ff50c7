package dev.chaperone.operator.webhook;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import java.util.List;

/** Told what became of pods. Must not wait. */
public interface InjectionObserver {

  /**
   * A pod got a gateway.
   *
   * @param names of the connections it is for
   * @param present all connections of the namespace
   */
  void injected(AdmissionRequest request, List<String> names, List<AgentConnection> present);

  /**
   * A pod or its update was refused.
   *
   * @param present all connections of the namespace
   */
  void refused(
      AdmissionRequest request, AdmissionAnswer.Refused refused, List<AgentConnection> present);
}
