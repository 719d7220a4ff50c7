package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What a rule does with what it matches. */
public enum RuleAction {
  /** It goes on. */
  @JsonProperty("Allow")
  ALLOW,
  /** It waits for a human. */
  @JsonProperty("RequireApproval")
  REQUIRE_APPROVAL,
  /** It is refused. */
  @JsonProperty("Deny")
  DENY
}
