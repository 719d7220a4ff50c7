package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What a grant covers. */
public enum GrantScope {
  /** One operation, one time. */
  @JsonProperty("Once")
  ONCE,
  /** What the rule matches, for a while. */
  @JsonProperty("Session")
  SESSION
}
