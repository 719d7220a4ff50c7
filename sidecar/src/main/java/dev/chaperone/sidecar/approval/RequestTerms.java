package dev.chaperone.sidecar.approval;

import dev.chaperone.policy.Decision.Approval;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;

/**
 * What a request needs and gives.
 *
 * @param count how many different approvers are needed, 1 or more
 * @param expiresAt until when they may decide
 * @param scope what the approval then covers
 * @param grantDuration for how long
 */
public record RequestTerms(
    int count, Instant expiresAt, Approval.Scope scope, Duration grantDuration) {
  public RequestTerms {
    Objects.requireNonNull(expiresAt, "expiresAt");
    Objects.requireNonNull(scope, "scope");
    Objects.requireNonNull(grantDuration, "grantDuration");
    if (count < 1) {
      throw new IllegalArgumentException("count " + count);
    }
  }

  static RequestTerms of(Approval approval, Instant now) {
    return new RequestTerms(
        approval.count(), now.plus(approval.timeout()), approval.scope(), approval.grantDuration());
  }
}
