package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What happens to an operation that needs approval inside an open transaction. */
public enum InTransaction {
  /** It waits, unless the transaction has written. */
  @JsonProperty("UnlessWritten")
  UNLESS_WRITTEN,
  /** It waits, for up to 30 seconds. */
  @JsonProperty("Hold")
  HOLD,
  /** It is refused. */
  @JsonProperty("Refuse")
  REFUSE
}
