package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What is kept of responses. */
public enum RecordedResponses {
  /** Nothing. */
  @JsonProperty("None")
  NONE,
  /** Counts and column names. */
  @JsonProperty("Summary")
  SUMMARY,
  /** Rows too, with masks applied. */
  @JsonProperty("Masked")
  MASKED
}
