package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How TLS is begun with the target. */
public enum TlsNegotiation {
  /** PostgreSQL's own request comes first. */
  @JsonProperty("Postgres")
  POSTGRES,
  /** The TLS handshake comes first. */
  @JsonProperty("Direct")
  DIRECT
}
