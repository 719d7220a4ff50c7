package dev.chaperone.operator.store;

import dev.chaperone.recording.Head;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordingKey;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * The key that stores countersign with: a Secret in the operator's own namespace, made by the first
 * replica that finds none. Its public half, and those of the keys before it, are in a ConfigMap
 * beside it before anything is signed with it. Whoever deletes the Secret has the key replaced.
 */
public final class StoreKeys implements AutoCloseable {
  /** The Secret with the private key. */
  public static final String SECRET = "chaperone-store-key";

  /** The ConfigMap with all public keys. */
  public static final String CONFIG_MAP = "chaperone-store-keys";

  /** All public keys in PEM, the present one first. */
  public static final String PUBLIC_KEYS = "keys.pem";

  private static final System.Logger LOGGER = System.getLogger(StoreKeys.class.getName());
  private static final String PRIVATE_KEY = "private.pem";
  private static final String CURRENT = "current";
  private static final int CONFLICT = 409;
  private static final int ATTEMPTS = 5;
  private static final long LOOK_SECONDS = 60;
  private static final long RETRY_SECONDS = 5;

  private final KubernetesClient client;
  private final String namespace;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread made = new Thread(task, "store-key");
            made.setDaemon(true);
            return made;
          });
  private volatile RecordingKey current;
  private volatile boolean closed;

  private StoreKeys(KubernetesClient client, String namespace) {
    this.client = client;
    this.namespace = namespace;
  }

  /**
   * Begins to look after the key, and does so until it is closed.
   *
   * @param namespace the operator's own
   */
  public static StoreKeys start(KubernetesClient client, String namespace) {
    StoreKeys keys = new StoreKeys(client, namespace);
    keys.thread.execute(keys::run);
    return keys;
  }

  /** The present key; empty until it was found or made. */
  public Optional<RecordingKey> current() {
    return Optional.ofNullable(current);
  }

  private void run() {
    long next = LOOK_SECONDS;
    try {
      look();
    } catch (IOException e) {
      next = RETRY_SECONDS;
      LOGGER.log(System.Logger.Level.WARNING, "the store has no key: {0}", e.getMessage());
    } catch (RuntimeException e) {
      next = RETRY_SECONDS;
      if (!closed) {
        LOGGER.log(
            System.Logger.Level.WARNING, "the store''s key cannot be looked after: {0}", name(e));
      }
    }
    if (!closed) {
      thread.schedule(this::run, next, TimeUnit.SECONDS);
    }
  }

  /** Without the message: the request may have been the key. */
  private static String name(RuntimeException e) {
    return e instanceof KubernetesClientException failure
        ? "status " + failure.getCode()
        : e.getClass().getSimpleName();
  }

  private void look() throws IOException {
    for (int i = 0; i < ATTEMPTS; i++) {
      Secret secret = client.secrets().inNamespace(namespace).withName(SECRET).get();
      if (secret == null) {
        create();
        continue;
      }
      RecordingKey key = read(secret);
      if (publish(key.publicKey())) {
        current = key;
        return;
      }
    }
    throw new IOException("others change " + SECRET + " or " + CONFIG_MAP + " all the time");
  }

  private static RecordingKey read(Secret secret) throws IOException {
    String encoded = secret.getData() == null ? null : secret.getData().get(PRIVATE_KEY);
    byte[] pem = null;
    try {
      pem = Base64.getDecoder().decode(encoded == null ? "" : encoded);
      return RecordingKey.of(pem);
    } catch (IOException | IllegalArgumentException e) {
      throw new IOException(
          "Secret " + SECRET + " is damaged; restore it, or delete it for a new key");
    } finally {
      if (pem != null) {
        Arrays.fill(pem, (byte) 0);
      }
    }
  }

  /** Where another replica was quicker, its key is found next. */
  private void create() {
    RecordingKey key = RecordingKey.generate();
    byte[] pem = key.pem();
    try {
      client
          .resource(
              new SecretBuilder()
                  .withNewMetadata()
                  .withNamespace(namespace)
                  .withName(SECRET)
                  .addToLabels("app.kubernetes.io/name", "chaperone")
                  .endMetadata()
                  .withType("Opaque")
                  .withData(Map.of(PRIVATE_KEY, Base64.getEncoder().encodeToString(pem)))
                  .build())
          .create();
      LOGGER.log(System.Logger.Level.INFO, "the store has a new key id={0}", id(key.publicKey()));
    } catch (KubernetesClientException e) {
      if (e.getCode() != CONFLICT) {
        throw e;
      }
    } finally {
      Arrays.fill(pem, (byte) 0);
    }
  }

  private static String id(PublicKeyFile key) {
    return Head.digest(key.id());
  }

  /** Whether the key is there for everybody to see. */
  private boolean publish(PublicKeyFile key) throws IOException {
    ConfigMap found = client.configMaps().inNamespace(namespace).withName(CONFIG_MAP).get();
    List<PublicKeyFile> keys = new ArrayList<>(List.of(key));
    if (found != null && found.getData() != null && found.getData().get(PUBLIC_KEYS) != null) {
      List<PublicKeyFile> known;
      try {
        known = PublicKeyFile.parseAll(found.getData().get(PUBLIC_KEYS));
      } catch (IOException e) {
        throw new IOException(
            "ConfigMap " + CONFIG_MAP + " is damaged: " + e.getMessage() + "; mend or delete it");
      }
      if (known.get(0).id().equals(key.id())) {
        return true;
      }
      known.stream().filter(one -> !one.id().equals(key.id())).forEach(keys::add);
    }
    StringBuilder pem = new StringBuilder();
    keys.forEach(one -> pem.append(one.pem()));
    ConfigMap map =
        new ConfigMapBuilder()
            .withNewMetadata()
            .withNamespace(namespace)
            .withName(CONFIG_MAP)
            .withResourceVersion(found == null ? null : found.getMetadata().getResourceVersion())
            .addToLabels("app.kubernetes.io/name", "chaperone")
            .endMetadata()
            .withData(Map.of(PUBLIC_KEYS, pem.toString(), CURRENT, id(key)))
            .build();
    try {
      if (found == null) {
        client.resource(map).create();
      } else {
        client.resource(map).update();
      }
      return true;
    } catch (KubernetesClientException e) {
      if (e.getCode() == CONFLICT) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public void close() {
    closed = true;
    thread.shutdownNow();
  }
}
