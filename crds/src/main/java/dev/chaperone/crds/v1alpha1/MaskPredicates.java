package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Whether a masked column may be compared. */
public enum MaskPredicates {
  /** It may not. */
  @JsonProperty("Refuse")
  REFUSE,
  /** It may. */
  @JsonProperty("Allow")
  ALLOW
}
