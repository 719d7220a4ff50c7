package dev.chaperone.operator.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.PublicKeyFile;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The store's key, as replicas find, make and replace it on a real API server. */
@UsesTestCluster
class StoreKeysIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final KubernetesClient client;
  private final String namespace;
  private final List<StoreKeys> open = new ArrayList<>();

  StoreKeysIT(TestCluster cluster) {
    client = cluster.client();
    namespace = cluster.namespace();
  }

  @BeforeEach
  void clear() {
    client.secrets().inNamespace(namespace).withName(StoreKeys.SECRET).delete();
    client.configMaps().inNamespace(namespace).withName(StoreKeys.CONFIG_MAP).delete();
  }

  @AfterEach
  void close() {
    open.forEach(StoreKeys::close);
  }

  private StoreKeys start() {
    StoreKeys keys = StoreKeys.start(client, namespace);
    open.add(keys);
    return keys;
  }

  private Bytes key(StoreKeys keys) {
    await().atMost(PATIENCE).until(() -> keys.current().isPresent());
    return keys.current().orElseThrow().publicKey().id();
  }

  private List<Bytes> published() throws IOException {
    return PublicKeyFile.parseAll(
            client
                .configMaps()
                .inNamespace(namespace)
                .withName(StoreKeys.CONFIG_MAP)
                .get()
                .getData()
                .get(StoreKeys.PUBLIC_KEYS))
        .stream()
        .map(PublicKeyFile::id)
        .toList();
  }

  @Test
  void replicasThatStartTogetherHaveOneKeyAndItIsPublished() throws Exception {
    List<StoreKeys> replicas = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      replicas.add(start());
    }
    Bytes first = key(replicas.get(0));
    for (StoreKeys replica : replicas) {
      assertThat(key(replica)).isEqualTo(first);
    }
    assertThat(published()).containsExactly(first);
  }

  @Test
  void aKeyWhoseSecretIsDeletedIsReplacedAndStaysPublished() throws Exception {
    Bytes before = key(start());
    client.secrets().inNamespace(namespace).withName(StoreKeys.SECRET).delete();
    Bytes after = key(start());
    assertThat(after).isNotEqualTo(before);
    assertThat(published()).containsExactly(after, before);
    // Whoever looks next changes nothing.
    assertThat(key(start())).isEqualTo(after);
    assertThat(published()).containsExactly(after, before);
  }

  @Test
  void aDamagedSecretIsNotWrittenOver() {
    Secret damaged =
        client
            .resource(
                new SecretBuilder()
                    .withNewMetadata()
                    .withNamespace(namespace)
                    .withName(StoreKeys.SECRET)
                    .endMetadata()
                    .withData(
                        Map.of(
                            "private.pem",
                            Base64.getEncoder()
                                .encodeToString("nonsense".getBytes(StandardCharsets.US_ASCII))))
                    .build())
            .create();
    StoreKeys keys = start();
    await().during(Duration.ofSeconds(3)).atMost(PATIENCE).until(() -> keys.current().isEmpty());
    Secret now = client.secrets().inNamespace(namespace).withName(StoreKeys.SECRET).get();
    assertThat(now.getData()).isEqualTo(damaged.getData());
    assertThat(client.configMaps().inNamespace(namespace).withName(StoreKeys.CONFIG_MAP).get())
        .isNull();
    // Deleted, there is a new one at the next look.
    client.secrets().inNamespace(namespace).withName(StoreKeys.SECRET).delete();
    key(keys);
  }
}
