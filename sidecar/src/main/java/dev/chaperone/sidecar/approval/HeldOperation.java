package dev.chaperone.sidecar.approval;

import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.policy.Decision;
import dev.chaperone.sidecar.gateway.Recorder;
import dev.chaperone.sidecar.gateway.Ruling;
import dev.chaperone.sidecar.gateway.Session;
import java.util.Objects;

/**
 * An operation that needs approval.
 *
 * @param session whose it is
 * @param client which of the session's clients asks
 * @param recorder what records the session
 * @param ruling under which it was decided
 * @param decision what asks for approval
 * @param operation what an approver is shown, and the digest it is bound to
 */
public record HeldOperation(
    Session session,
    long client,
    Recorder recorder,
    Ruling ruling,
    Decision.RequireApproval decision,
    RequestOperation operation) {
  public HeldOperation {
    Objects.requireNonNull(session, "session");
    Objects.requireNonNull(recorder, "recorder");
    Objects.requireNonNull(ruling, "ruling");
    Objects.requireNonNull(decision, "decision");
    Objects.requireNonNull(operation, "operation");
  }
}
