package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What an operation does to a resource. */
public enum Effect {
  /** Looks at data. */
  @JsonProperty("Read")
  READ,
  /** Changes data. */
  @JsonProperty("Write")
  WRITE,
  /** Changes what data can be. */
  @JsonProperty("Schema")
  SCHEMA,
  /** Changes who may do what. */
  @JsonProperty("Privilege")
  PRIVILEGE,
  /** Changes only the own session. */
  @JsonProperty("SessionState")
  SESSION_STATE,
  /** Runs code whose effect is not known. */
  @JsonProperty("Execute")
  EXECUTE,
  /** Everything that is not understood. */
  @JsonProperty("Unknown")
  UNKNOWN
}
