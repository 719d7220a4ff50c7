package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** How the connection to a target is secured. */
@ValidationRule(
    value =
        "self.mode != 'Disable' || (!has(self.serverName) && !has(self.caSecretRef) && !has(self.clientCertificateSecretRef))",
    message =
        "mode Disable uses no TLS: remove serverName, caSecretRef and clientCertificateSecretRef, or choose another mode")
@ValidationRule(
    value = "self.mode != 'Require' || !has(self.caSecretRef)",
    message =
        "mode Require verifies no certificate: remove caSecretRef, or choose VerifyCA or VerifyFull")
@ValidationRule(
    value =
        "!has(self.channelBinding) || self.channelBinding != 'Require' || self.mode != 'Disable'",
    message = "channelBinding Require needs TLS: remove it, or choose another mode than Disable")
@ValidationRule(
    value = "!has(self.negotiation) || self.negotiation != 'Direct' || self.mode != 'Disable'",
    message = "negotiation Direct needs TLS: remove it, or choose another mode than Disable")
public record Tls(
    @JsonPropertyDescription(
            "VerifyFull: the certificate must be valid and for the name of the host. VerifyCA: it must be valid, for whatever name. Require: TLS with any certificate, which does not stop an impostor. Disable: no TLS at all.")
        @Default("VerifyFull")
        TlsMode mode,
    @JsonPropertyDescription(
            "The name that is asked for (SNI) and that the certificate must be for, instead of the host.")
        @Size(min = 1, max = 253)
        @Pattern("^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$")
        String serverName,
    @JsonPropertyDescription("The certificates (PEM) to trust instead of the system's.")
        SecretKeyReference caSecretRef,
    @JsonPropertyDescription(
            "A Secret of type kubernetes.io/tls whose tls.crt and tls.key the gateway presents to the target.")
        SecretReference clientCertificateSecretRef,
    @JsonPropertyDescription(
            "Whether the log-in is bound to the target's certificate (SCRAM-SHA-256-PLUS), so that nobody between the gateway and the target can take part in it. Prefer: where the target offers it; Require: always; Disable: never, for targets behind something that ends TLS.")
        @Default("Prefer")
        ChannelBinding channelBinding,
    @JsonPropertyDescription(
            "How TLS is begun. Postgres: after a request of PostgreSQL's own. Direct: at once, with ALPN, as PostgreSQL 17 and newer allow.")
        @Default("Postgres")
        TlsNegotiation negotiation) {}
