package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How a label is compared. */
public enum SelectorOperator {
  /** Its value is one of the values. */
  @JsonProperty("In")
  IN,
  /** It is missing or has another value. */
  @JsonProperty("NotIn")
  NOT_IN,
  /** It is there. */
  @JsonProperty("Exists")
  EXISTS,
  /** It is not there. */
  @JsonProperty("DoesNotExist")
  DOES_NOT_EXIST
}
