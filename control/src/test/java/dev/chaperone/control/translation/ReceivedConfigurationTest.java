package dev.chaperone.control.translation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.Document;
import dev.chaperone.control.channel.MessageCodec;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.MountedSecrets;
import dev.chaperone.control.resource.Resource;
import dev.chaperone.control.resource.ResourceDirectory;
import dev.chaperone.control.resource.ResourceDocuments;
import dev.chaperone.control.resource.ResourceSet;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator says of a directory's resources is the same as the directory. */
class ReceivedConfigurationTest {
  private static final Path RESOURCES = Path.of("src/test/resources/resources");

  @TempDir Path directory;
  @TempDir Path mounted;

  @BeforeEach
  void copyResources() throws Exception {
    for (String name : List.of("pod", "secret")) {
      Files.copy(RESOURCES.resolve("common/" + name + ".yaml"), directory.resolve(name + ".yaml"));
    }
    Files.copy(RESOURCES.resolve("common/connection.yaml"), directory.resolve("connection.yaml"));
    Files.copy(
        RESOURCES.resolve("valid/valid-every-rule-field.yaml"), directory.resolve("policy.yaml"));
    mount("orders-db", "orders-db", "username", "agent");
    mount("orders-db", "orders-db", "password", "correct-horse");
  }

  @Test
  void whatTravelsIsWhatTheDirectorySays() throws Exception {
    Configuration local = Configuration.load(directory, 3);
    Configuration received = receive(documents(ResourceDirectory.read(directory)));
    assertThat(received.connections()).isEqualTo(local.connections());
    assertThat(received.subject()).isEqualTo(local.subject());
    assertThat(received.policies().policies(local.connections().get(0).requester()))
        .usingRecursiveComparison()
        .ignoringFieldsMatchingRegexes(".*uid", ".*generation")
        .isEqualTo(local.policies().policies(local.connections().get(0).requester()));
  }

  @Test
  void uidAndGenerationOfPoliciesArrive() throws Exception {
    List<Document> documents = documents(ResourceDirectory.read(directory));
    Configuration received = receive(documents);
    var policy = received.policies().policies(received.connections().get(0).requester()).get(0);
    assertThat(policy.uid()).isEqualTo("uid-of-the-policy");
    assertThat(policy.generation()).isEqualTo(41);
  }

  @Test
  void theLeaseArrives() throws Exception {
    Configuration received = receive(documents(ResourceDirectory.read(directory)));
    assertThat(received.connections().get(0).lease()).isEqualTo(Duration.ofMinutes(5));
  }

  @Test
  void aFieldForTheClusterIsNoNoticeInACluster() throws Exception {
    Files.writeString(
        directory.resolve("connection.yaml"),
        Files.readString(directory.resolve("connection.yaml")) + "  leaseSeconds: 20\n");
    assertThat(Configuration.load(directory, 1).notices())
        .anyMatch(n -> n.contains("leaseSeconds"));
    Configuration received = receive(documents(ResourceDirectory.read(directory)));
    assertThat(received.notices()).noneMatch(notice -> notice.contains("leaseSeconds"));
    assertThat(received.connections().get(0).lease()).isEqualTo(Duration.ofSeconds(20));
  }

  @Test
  void aSecretThatTravelsIsRefused() {
    assertThatThrownBy(
            () ->
                ResourceDocuments.read(
                    Map.of(
                        "x",
                        ("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},"
                                + "\"stringData\":{\"password\":\"correct-horse\"}}")
                            .getBytes(StandardCharsets.UTF_8))))
        .isInstanceOf(InvalidConfigurationException.class)
        .hasMessageContaining("a Secret has no business here")
        .hasMessageNotContaining("correct-horse");
  }

  @Test
  void aConnectionWhoseSecretIsNotMountedIsNotServedAndSaysWhy() throws Exception {
    Configuration whole = receive(documents(ResourceDirectory.read(directory)));
    Files.delete(mounted.resolve("orders-db/orders-db/password"));
    Configuration received = receive(documents(ResourceDirectory.read(directory)));
    assertThat(whole.unresolved()).isEmpty();
    assertThat(received.connections()).hasSize(whole.connections().size() - 1);
    assertThat(received.unresolved()).containsOnlyKeys("orders-db");
    assertThat(received.unresolved().get("orders-db")).contains("has no key \"password\"");
  }

  @Test
  void linksAsTheClusterMakesThemAreFollowedAndOthersAreNot() throws Exception {
    Path secret = mounted.resolve("c/s");
    Files.createDirectories(secret.resolve("..2026"));
    Files.writeString(secret.resolve("..2026/password"), "correct-horse");
    Files.createSymbolicLink(secret.resolve("..data"), Path.of("..2026"));
    Files.createSymbolicLink(secret.resolve("password"), Path.of("..data/password"));
    MountedSecrets secrets = new MountedSecrets(mounted);
    assertThat(secrets.read("c", "s").orElseThrow().keys()).containsExactly("password");
    assertThat(secrets.read("c", "s").orElseThrow().get("password"))
        .contains("correct-horse".getBytes(StandardCharsets.UTF_8));
    Files.writeString(mounted.resolve("outside"), "x");
    Files.createSymbolicLink(secret.resolve("stolen"), mounted.resolve("outside"));
    assertThat(secrets.read("c", "s")).isEmpty();
    assertThat(secrets.read("..", "c")).isEmpty();
    assertThat(secrets.read("c", "../c/s")).isEmpty();
  }

  @Test
  void aValueLargerThanASecretMayBeIsRefused() throws Exception {
    Files.write(mounted.resolve("orders-db/orders-db/password"), new byte[1024 * 1024 + 1]);
    assertThat(new MountedSecrets(mounted).read("orders-db", "orders-db")).isEmpty();
  }

  @Test
  void connectionsCanBeSuspendedUnderTheSamePolicies() throws Exception {
    Configuration received = receive(documents(ResourceDirectory.read(directory)));
    Configuration suspended = received.suspending(c -> c.name().equals("orders-db"), 9);
    assertThat(suspended.generation()).isEqualTo(9);
    assertThat(suspended.connections().get(0).suspended()).isTrue();
    assertThat(received.suspending(c -> false, 9).connections()).isEqualTo(received.connections());
  }

  private void mount(String connection, String secret, String key, String value)
      throws IOException {
    Path file = mounted.resolve(connection).resolve(secret).resolve(key);
    Files.createDirectories(file.getParent());
    Files.writeString(file, value);
  }

  /** As the operator makes them of what the API server has, over the wire and back. */
  private static List<Document> documents(ResourceSet resources) throws Exception {
    List<Document> documents = new ArrayList<>();
    documents.add(
        Document.pod(resources.pod().metadata(), resources.pod().spec().serviceAccountName()));
    for (Resource<dev.chaperone.crds.v1alpha1.AgentConnectionSpec> one : resources.connections()) {
      documents.add(Document.connection(one.metadata(), one.spec()));
    }
    for (Resource<dev.chaperone.crds.v1alpha1.AccessPolicySpec> one : resources.policies()) {
      documents.add(
          Document.policy(
              new dev.chaperone.control.resource.Metadata(
                  one.metadata().namespace(),
                  one.metadata().name(),
                  "uid-of-the-policy",
                  41,
                  one.metadata().labels()),
              one.spec()));
    }
    MessageCodec.Decoded decoded =
        MessageCodec.decode(MessageCodec.encode(new ChannelMessage.Configure(1, documents)));
    ChannelMessage message = ((MessageCodec.Decoded.Message) decoded).message();
    return ((ChannelMessage.Configure) message).resources();
  }

  private Configuration receive(List<Document> documents) throws InvalidConfigurationException {
    Map<String, byte[]> named = new LinkedHashMap<>();
    documents.forEach(document -> named.put(document.toString(), document.json()));
    MountedSecrets secrets = new MountedSecrets(mounted);
    return Configuration.received(
        ResourceDocuments.read(named),
        (connection, name) -> secrets.read(connection.name(), name),
        3);
  }
}
