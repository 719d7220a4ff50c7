package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Whether the log-in to the target is bound to the TLS connection that it runs on. */
public enum ChannelBinding {
  /** Where the target offers it. */
  @JsonProperty("Prefer")
  PREFER,
  /** Always; a target that does not do it is refused. */
  @JsonProperty("Require")
  REQUIRE,
  /** Never. */
  @JsonProperty("Disable")
  DISABLE
}
