package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How far the target must prove who it is. */
public enum TlsMode {
  /** TLS; the certificate must be valid and for the name of the host. */
  @JsonProperty("VerifyFull")
  VERIFY_FULL,
  /** TLS; the certificate must be valid, for whatever name. */
  @JsonProperty("VerifyCA")
  VERIFY_CA,
  /** TLS with any certificate. */
  @JsonProperty("Require")
  REQUIRE,
  /** No TLS. */
  @JsonProperty("Disable")
  DISABLE
}
