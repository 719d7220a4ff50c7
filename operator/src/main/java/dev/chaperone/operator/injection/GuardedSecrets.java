package dev.chaperone.operator.injection;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentConnectionSpec;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The Secrets that only gateways may use: those with credentials and keys. Certificates to trust
 * are no secret, and other workloads may need them.
 */
public final class GuardedSecrets {
  private GuardedSecrets() {}

  /** Those of these connections, by name. */
  public static SortedSet<String> of(List<AgentConnection> connections) {
    SortedSet<String> guarded = new TreeSet<>();
    for (AgentConnection connection : connections) {
      AgentConnectionSpec spec = connection.getSpec();
      guarded.add(spec.credentials().secretRef().name());
      if (spec.target().tls() != null && spec.target().tls().clientCertificateSecretRef() != null) {
        guarded.add(spec.target().tls().clientCertificateSecretRef().name());
      }
      if (spec.listen().tls() != null) {
        guarded.add(spec.listen().tls().secretRef().name());
      }
    }
    return guarded;
  }
}
