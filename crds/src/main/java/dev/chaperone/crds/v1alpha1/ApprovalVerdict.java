package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What an approver decided. */
public enum ApprovalVerdict {
  /** The operation may go on. */
  @JsonProperty("Approve")
  APPROVE,
  /** It may not. */
  @JsonProperty("Deny")
  DENY
}
