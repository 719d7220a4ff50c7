package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** When an event is on disk. */
public enum Durability {
  /** At most 100 ms after it happened. */
  @JsonProperty("Grouped")
  GROUPED,
  /** Before the operation goes on. */
  @JsonProperty("Sync")
  SYNC
}
