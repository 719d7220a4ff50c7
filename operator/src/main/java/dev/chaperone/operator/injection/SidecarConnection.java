package dev.chaperone.operator.injection;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentConnectionSpec;
import dev.chaperone.crds.v1alpha1.CredentialsSecret;
import dev.chaperone.crds.v1alpha1.Environment;
import dev.chaperone.crds.v1alpha1.ListenTls;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.SecretKeyReference;
import dev.chaperone.crds.v1alpha1.SecretReference;
import dev.chaperone.crds.v1alpha1.Tls;
import dev.chaperone.crds.v1alpha1.TlsMode;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What putting in a gateway needs to know of a connection.
 *
 * @param host of the target
 * @param provesName whether the target must prove that it is the host, so that a wrong address does
 *     no harm
 * @param listenPort on the loopback interface of the pod
 * @param requiresTls whether the gateway refuses clients without TLS
 * @param database of the target
 * @param secrets the keys the gateway reads, by Secret
 */
record SidecarConnection(
    String name,
    String host,
    boolean provesName,
    int listenPort,
    boolean requiresTls,
    String database,
    Environment environment,
    SortedMap<String, SortedSet<String>> secrets) {

  /** Reads a connection; empty where it cannot be served, which is then in {@code refusals}. */
  static Optional<SidecarConnection> of(AgentConnection connection, List<Refusal> refusals) {
    String name = connection.getMetadata().getName();
    AgentConnectionSpec spec = connection.getSpec();
    if (spec.protocol() != Protocol.POSTGRESQL) {
      refusals.add(invalid(name, "protocol", "this version puts in gateways for PostgreSQL only"));
      return Optional.empty();
    }
    if (spec.target().database() == null
        || spec.target().tls() == null
        || spec.environment() == null
        || spec.environment().enabled() == null
        || spec.environment().databaseUrl() == null) {
      // The API server fills in defaults by the CRD; an older CRD has not all of them.
      refusals.add(
          invalid(
              name, "", "is incomplete: the CRDs of the cluster are not those of this version"));
      return Optional.empty();
    }
    int before = refusals.size();
    SortedMap<String, SortedSet<String>> secrets = new TreeMap<>();
    CredentialsSecret credentials = spec.credentials().secretRef();
    add(secrets, credentials.name(), credentials.usernameKey());
    add(secrets, credentials.name(), credentials.passwordKey());
    Tls tls = spec.target().tls();
    SecretKeyReference authorities = tls.caSecretRef();
    if (authorities != null) {
      add(secrets, authorities.name(), authorities.key());
    }
    SecretReference client = tls.clientCertificateSecretRef();
    if (client != null) {
      addCertifiedKey(secrets, client);
    }
    ListenTls listenTls = spec.listen().tls();
    if (listenTls != null) {
      addCertifiedKey(secrets, listenTls.secretRef());
    }
    for (SortedSet<String> keys : secrets.values()) {
      for (String key : keys) {
        // No Secret has such a key, and as part of a path it would lead elsewhere.
        if (key.equals(".") || key.startsWith("..")) {
          refusals.add(invalid(name, "", "\"" + key + "\" cannot be the key of a Secret"));
        }
      }
    }
    if (refusals.size() != before) {
      return Optional.empty();
    }
    return Optional.of(
        new SidecarConnection(
            name,
            spec.target().host(),
            tls.mode() == TlsMode.VERIFY_FULL,
            spec.listen().port(),
            listenTls != null && Boolean.TRUE.equals(listenTls.required()),
            spec.target().database(),
            spec.environment(),
            secrets));
  }

  private static void addCertifiedKey(
      SortedMap<String, SortedSet<String>> secrets, SecretReference secret) {
    add(secrets, secret.name(), "tls.crt");
    add(secrets, secret.name(), "tls.key");
  }

  private static void add(SortedMap<String, SortedSet<String>> secrets, String name, String key) {
    secrets.computeIfAbsent(name, n -> new TreeSet<>()).add(key);
  }

  private static Refusal invalid(String name, String field, String problem) {
    return new Refusal(RefusalReason.INVALID_CONNECTION, path(name, field), problem);
  }

  /** A field of a connection's spec, as a refusal names it. */
  static String path(String connection, String field) {
    return "AgentConnection " + connection + ": spec" + (field.isEmpty() ? "" : "." + field);
  }
}
