package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What became of a request. */
public enum ApprovalPhase {
  /** It waits for decisions. */
  @JsonProperty("Pending")
  PENDING,
  /** It may be used. */
  @JsonProperty("Approved")
  APPROVED,
  /** An approver denied it. */
  @JsonProperty("Denied")
  DENIED,
  /** Nobody decided in time. */
  @JsonProperty("Expired")
  EXPIRED,
  /** Its session ended. */
  @JsonProperty("Cancelled")
  CANCELLED,
  /** It was approved and used. */
  @JsonProperty("Used")
  USED
}
