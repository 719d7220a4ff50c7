package dev.chaperone.operator.certificates;

import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** An authority as a Secret in the operator's own namespace. */
final class SecretAuthorityStore implements AuthorityStore {
  /** The operator's own. */
  static final String OWN = "chaperone-ca";

  /**
   * One that somebody else issues; a name of its own, so that neither is ever written over by the
   * other.
   */
  static final String ISSUED = "chaperone-issued-ca";

  private static final int NOT_FOUND = 404;
  private static final int CONFLICT = 409;

  private final KubernetesClient client;
  private final String namespace;
  private final String name;

  SecretAuthorityStore(KubernetesClient client, String namespace, String name) {
    this.client = client;
    this.namespace = namespace;
    this.name = name;
  }

  @Override
  public Optional<Stored> read() throws IOException {
    Secret secret;
    try {
      secret = client.secrets().inNamespace(namespace).withName(name).get();
    } catch (KubernetesClientException e) {
      throw failure(e);
    }
    if (secret == null) {
      return Optional.empty();
    }
    Map<String, byte[]> data = new HashMap<>();
    Objects.requireNonNullElse(secret.getData(), Map.<String, String>of())
        .forEach((key, value) -> data.put(key, Base64.getDecoder().decode(value)));
    return Optional.of(new Stored(data, secret.getMetadata().getResourceVersion()));
  }

  @Override
  public boolean create(Map<String, byte[]> data) throws IOException {
    try {
      client.resource(secret(data, null)).create();
      return true;
    } catch (KubernetesClientException e) {
      return lost(e);
    }
  }

  @Override
  public boolean replace(Stored read, Map<String, byte[]> data) throws IOException {
    try {
      client.resource(secret(data, read.version())).update();
      return true;
    } catch (KubernetesClientException e) {
      return lost(e);
    }
  }

  private Secret secret(Map<String, byte[]> data, String version) {
    Map<String, String> encoded = new HashMap<>();
    data.forEach((key, value) -> encoded.put(key, Base64.getEncoder().encodeToString(value)));
    return new SecretBuilder()
        .withNewMetadata()
        .withNamespace(namespace)
        .withName(name)
        .withResourceVersion(version)
        .addToLabels("app.kubernetes.io/name", "chaperone")
        .endMetadata()
        .withType("Opaque")
        .withData(encoded)
        .build();
  }

  private boolean lost(KubernetesClientException e) throws IOException {
    if (e.getCode() == CONFLICT || e.getCode() == NOT_FOUND) {
      return false;
    }
    throw failure(e);
  }

  /** Without the cause: the request may have been the key. */
  private IOException failure(KubernetesClientException e) {
    return new IOException("Secret " + name + " cannot be reached, status " + e.getCode());
  }
}
