package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Whether a policy decides. */
public enum PolicyMode {
  /** It decides. */
  @JsonProperty("Enforce")
  ENFORCE,
  /** It only says what it would decide. */
  @JsonProperty("Observe")
  OBSERVE
}
