package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Who vouches for the caller. */
public enum IdentitySource {
  /** Kubernetes: the pod and its service account. */
  @JsonProperty("Workload")
  WORKLOAD,
  /** An OpenID Connect provider, for the end user behind the agent. */
  @JsonProperty("OIDC")
  OIDC,
  /** A SAML identity provider, for the end user behind the agent. */
  @JsonProperty("SAML")
  SAML
}
