package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What happens while nothing can be recorded. */
public enum OnUnavailable {
  /** Operations are refused. */
  @JsonProperty("Deny")
  DENY,
  /** Operations go on unrecorded. */
  @JsonProperty("Continue")
  CONTINUE
}
