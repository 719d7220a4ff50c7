package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The state of a session. */
public enum SessionPhase {
  /** It goes on. */
  @JsonProperty("Active")
  ACTIVE,
  /** It is over. */
  @JsonProperty("Ended")
  ENDED,
  /** It was ended by a person. */
  @JsonProperty("Revoked")
  REVOKED
}
