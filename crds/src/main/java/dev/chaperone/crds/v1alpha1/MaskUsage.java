package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How a masked column may be used. */
public enum MaskUsage {
  /** Only as a bare output column. */
  @JsonProperty("Strict")
  STRICT,
  /** In a few expressions, too, which are replaced as a whole. */
  @JsonProperty("Taint")
  TAINT
}
