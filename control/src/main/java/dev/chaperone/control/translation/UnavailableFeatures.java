package dev.chaperone.control.translation;

import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.resource.Resource;
import dev.chaperone.crds.v1alpha1.AgentConnectionSpec;
import dev.chaperone.crds.v1alpha1.IdentitySource;
import dev.chaperone.crds.v1alpha1.Protocol;
import java.util.List;

/**
 * What the resources can say and this version does not do yet. It is refused: nothing is named that
 * is not enforced. As a feature arrives, its lines here go.
 */
final class UnavailableFeatures {
  private static final List<String> IN_A_CLUSTER_ONLY =
      List.of("spec.agents.refusePrivileged", "spec.environment", "spec.leaseSeconds");

  private UnavailableFeatures() {}

  static void check(Resource<AgentConnectionSpec> connection, List<Problem> problems) {
    AgentConnectionSpec spec = connection.spec();
    if (spec.protocol() != Protocol.POSTGRESQL) {
      problems.add(
          connection.problem(
              "spec.protocol",
              "protocol "
                  + Labels.of(spec.protocol())
                  + " is not supported by this version; supported: PostgreSQL"));
    }
    if (spec.identity().source() != IdentitySource.WORKLOAD) {
      problems.add(
          connection.problem(
              "spec.identity.source",
              "not available in this version: identity from "
                  + Labels.of(spec.identity().source())
                  + "; remove it or use Workload"));
    }
  }

  /** Says of each field that is acted on in a cluster alone that it has no effect here. */
  static void notice(Resource<AgentConnectionSpec> connection, List<String> notices) {
    for (String field : IN_A_CLUSTER_ONLY) {
      if (connection.source().contains(field)) {
        notices.add(
            "AgentConnection "
                + connection.metadata()
                + ": "
                + field
                + " has no effect here; it is for the operator, in a cluster");
      }
    }
  }
}
