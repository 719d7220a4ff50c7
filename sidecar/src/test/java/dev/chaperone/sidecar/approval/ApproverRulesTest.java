package dev.chaperone.sidecar.approval;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.Decision.Approval;
import dev.chaperone.policy.Decision.Approval.InTransaction;
import dev.chaperone.policy.Decision.Approval.Scope;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the chart's policy chaperone-approvers says in a cluster, on one machine. */
class ApproverRulesTest {
  private static final String AGENT = "system:serviceaccount:support:agent";
  private static final String PIPELINE = "system:serviceaccount:support:pipeline";
  private static final ApproverGroups GROUPS =
      new ApproverGroups(Map.of("dba", Set.of("alice", PIPELINE, AGENT, "ann")));

  private static Optional<String> objection(boolean humansOnly, String requester, String user) {
    Approval approval =
        new Approval(
            Set.of("bob"),
            Set.of("dba"),
            humansOnly,
            1,
            Duration.ofMinutes(1),
            InTransaction.HOLD,
            Scope.ONCE,
            Duration.ofMinutes(1));
    return ApproverRules.objection(approval, requester, AGENT, user, GROUPS);
  }

  @Test
  void thoseWhoAreNamedDecide() {
    assertThat(objection(false, AGENT, "alice")).isEmpty();
    assertThat(objection(false, AGENT, "bob")).isEmpty();
    assertThat(objection(false, AGENT, PIPELINE)).isEmpty();
    assertThat(objection(false, AGENT, "mallory")).hasValue("is not one of group dba, user bob");
  }

  @Test
  void whoAsksDoesNotDecide() {
    assertThat(objection(false, AGENT, AGENT)).hasValue("the requester does not decide");
    assertThat(objection(false, "ann", "ann")).hasValue("the requester does not decide");
  }

  @Test
  void theAgentsServiceAccountDoesNotDecideForTheUserBehindIt() {
    assertThat(objection(false, "ann", AGENT))
        .hasValue("the agent's service account does not decide");
  }

  @Test
  void serviceAccountsDoNotDecideWhatIsForPeople() {
    assertThat(objection(true, AGENT, PIPELINE))
        .hasValue("service accounts do not decide this request");
    assertThat(objection(true, AGENT, "alice")).isEmpty();
  }
}
