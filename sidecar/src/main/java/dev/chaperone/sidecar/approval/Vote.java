package dev.chaperone.sidecar.approval;

import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import java.time.Instant;
import java.util.Objects;

/**
 * What one approver decided.
 *
 * @param by the user
 * @param comment empty for none; as it was written, not yet safe to show
 * @param observedAt when the gateway first saw it
 */
public record Vote(String by, ApprovalVerdict verdict, String comment, Instant observedAt) {
  public Vote {
    Objects.requireNonNull(by, "by");
    Objects.requireNonNull(verdict, "verdict");
    Objects.requireNonNull(comment, "comment");
    Objects.requireNonNull(observedAt, "observedAt");
  }
}
