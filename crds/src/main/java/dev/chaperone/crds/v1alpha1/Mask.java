package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What replaces a protected value. */
public enum Mask {
  /** A fixed text. */
  @JsonProperty("Redact")
  REDACT,
  /** No value. */
  @JsonProperty("Null")
  NULL,
  /** A value that is the same for the same input within a session. */
  @JsonProperty("Hash")
  HASH,
  /** Other letters and digits of the same form. */
  @JsonProperty("FormatPreserving")
  FORMAT_PRESERVING,
  /** All but the last characters hidden. */
  @JsonProperty("Partial")
  PARTIAL
}
