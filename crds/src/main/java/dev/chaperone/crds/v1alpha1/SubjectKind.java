package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What a name is the name of. */
public enum SubjectKind {
  /** A service account of the namespace. */
  @JsonProperty("ServiceAccount")
  SERVICE_ACCOUNT,
  /** An end user. */
  @JsonProperty("User")
  USER,
  /** A group of end users. */
  @JsonProperty("Group")
  GROUP
}
