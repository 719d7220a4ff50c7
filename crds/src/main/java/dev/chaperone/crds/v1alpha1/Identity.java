package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.ValidationRule;

/** Where the gateway learns who is calling. */
@ValidationRule(
    value = "(self.source == 'OIDC') == has(self.oidc)",
    message = "oidc is required with source OIDC, and refused with any other")
@ValidationRule(
    value = "(self.source == 'SAML') == has(self.saml)",
    message = "saml is required with source SAML, and refused with any other")
public record Identity(
    @JsonPropertyDescription(
            "Workload: the pod and its service account. OIDC or SAML: the end user behind the agent, whom an identity provider vouches for; policies may then name users and groups. This version serves Workload; connections with another source are refused with a message.")
        @Default("Workload")
        IdentitySource source,
    @JsonPropertyDescription("The OpenID Connect provider. Required with source OIDC.")
        OidcIdentity oidc,
    @JsonPropertyDescription("The SAML identity provider. Required with source SAML.")
        SamlIdentity saml) {}
