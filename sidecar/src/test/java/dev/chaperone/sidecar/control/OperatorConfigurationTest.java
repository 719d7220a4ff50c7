package dev.chaperone.sidecar.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationRejected;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.FromSidecar;
import dev.chaperone.control.channel.Document;
import dev.chaperone.control.resource.Metadata;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.control.translation.ConnectionConfiguration;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OperatorConfigurationTest {
  @TempDir Path mounted;

  private final List<Configuration> applied = new CopyOnWriteArrayList<>();
  private final List<FromSidecar> said = new CopyOnWriteArrayList<>();
  private OperatorConfiguration configuration;
  private boolean portIsTaken;

  @BeforeEach
  void start() throws Exception {
    mount("password", "correct-horse");
    mount("username", "agent");
    configuration =
        new OperatorConfiguration(
            mounted,
            next -> {
              if (portIsTaken) {
                throw new IOException("port 15432 cannot be listened on: it is in use");
              }
              applied.add(next);
            });
    configuration.opened(said::add);
  }

  @AfterEach
  void stop() {
    configuration.close();
  }

  @Test
  void whatIsSaidIsPutInForceAndAnswered() {
    assertThat(configuration.isConfigured()).isFalse();
    configuration.said(new Configure(7, resources(false, "orders-db")));
    assertThat(configuration.isConfigured()).isTrue();
    assertThat(applied.get(0).generation()).isEqualTo(1);
    assertThat(applied.get(0).connections().get(0).credentials().username()).isEqualTo("agent");
    assertThat(applied.get(0).connections().get(0).pod().uid()).isEqualTo("uid-0");
    assertThat(said).containsExactly(new ConfigurationApplied(7));
  }

  @Test
  void whatCannotBeReadLeavesTheOneBefore() {
    configuration.said(new Configure(1, resources(false, "orders-db")));
    configuration.said(new Configure(2, List.of(new Document(Map.of("kind", "Nonsense")))));
    assertThat(applied).hasSize(1);
    assertThat(((ConfigurationRejected) said.get(1)).revision()).isEqualTo(2);
    assertThat(((ConfigurationRejected) said.get(1)).problems()).isNotEmpty();
  }

  @Test
  void aKillSwitchWorksAlthoughAnotherConnectionIsWrong() throws Exception {
    configuration.said(new Configure(1, resources(false, "orders-db")));
    List<Document> resources = new ArrayList<>(resources(true, "orders-db"));
    // Two on one port.
    resources.add(connection("invoices-db", 15432, false));
    configuration.said(new Configure(2, resources));
    assertThat(said.get(1)).isInstanceOf(ConfigurationRejected.class);
    assertThat(applied).hasSize(2);
    assertThat(applied.get(1).generation()).isEqualTo(2);
    assertThat(applied.get(1).connections().get(0).suspended()).isTrue();
  }

  @Test
  void aConnectionThatIsGoneIsSuspendedAlthoughAnotherIsWrong() {
    configuration.said(new Configure(1, resources(false, "orders-db")));
    List<Document> resources = new ArrayList<>(resources(false, "invoices-db"));
    resources.add(connection("payments-db", 15432, false));
    configuration.said(new Configure(2, resources));
    assertThat(said.get(1)).isInstanceOf(ConfigurationRejected.class);
    assertThat(applied.get(1).connections().get(0).name()).isEqualTo("orders-db");
    assertThat(applied.get(1).connections().get(0).suspended()).isTrue();
    configuration.said(new Configure(3, resources(false, "orders-db")));
    assertThat(applied.get(2).connections().get(0).suspended()).isFalse();
  }

  @Test
  void aPortThatIsTakenIsToldAndTheOneBeforeStays() {
    portIsTaken = true;
    configuration.said(new Configure(1, resources(false, "orders-db")));
    assertThat(said)
        .containsExactly(
            new ConfigurationRejected(
                1, List.of("port 15432 cannot be listened on: it is in use")));
    assertThat(configuration.isConfigured()).isFalse();
  }

  @Test
  void aSecretThatIsRotatedIsPutInForceWithoutAWordOfTheOperator() throws Exception {
    configuration.said(new Configure(1, resources(false, "orders-db")));
    configuration.start();
    mount("password", "battery-staple");
    await().untilAsserted(() -> assertThat(applied).hasSize(2));
    assertThat(applied.get(1).connections().get(0).credentials().password().chars())
        .isEqualTo("battery-staple".toCharArray());
  }

  @Test
  void aSecretThatComesLateIsWaitedFor() throws Exception {
    Files.delete(mounted.resolve("orders-db/orders-db/password"));
    configuration.said(new Configure(1, resources(false, "orders-db")));
    assertThat(applied.get(0).connections()).isEmpty();
    assertThat(configuration.unresolved().get("orders-db"))
        .contains("spec.credentials.secretRef", "has no key \"password\"");
    configuration.start();
    mount("password", "correct-horse");
    await().untilAsserted(() -> assertThat(applied).hasSize(2));
    assertThat(applied.get(1).connections()).hasSize(1);
    await().untilAsserted(() -> assertThat(configuration.unresolved()).isEmpty());
  }

  @Test
  void aConnectionWithoutItsSecretKeepsNoOtherFromBeingServed() {
    List<Document> resources = new ArrayList<>(resources(false, "orders-db"));
    resources.add(connection("no-such-secret", 15433, false));
    configuration.said(new Configure(1, resources));
    assertThat(said).containsExactly(new ConfigurationApplied(1));
    assertThat(applied.get(0).connections())
        .extracting(ConnectionConfiguration::name)
        .containsExactly("orders-db");
    assertThat(configuration.unresolved()).containsOnlyKeys("no-such-secret");
    assertThat(configuration.unresolved().get("no-such-secret"))
        .contains("there is no Secret \"no-such-secret\"");
  }

  @Test
  void aConnectionWhoseSecretVanishesRefusesItsClientsAndComesBackWithIt() throws Exception {
    configuration.said(new Configure(1, resources(false, "orders-db")));
    configuration.start();
    Files.delete(mounted.resolve("orders-db/orders-db/password"));
    await().untilAsserted(() -> assertThat(applied).hasSize(2));
    assertThat(applied.get(1).connections().get(0).suspended()).isTrue();
    await()
        .untilAsserted(() -> assertThat(configuration.unresolved()).containsOnlyKeys("orders-db"));
    mount("password", "battery-staple");
    await().untilAsserted(() -> assertThat(applied).hasSize(3));
    assertThat(applied.get(2).connections().get(0).suspended()).isFalse();
    await().untilAsserted(() -> assertThat(configuration.unresolved()).isEmpty());
  }

  @Test
  void whatIsSuspendedForWantOfASecretLeavesItsPortToAnother() throws Exception {
    configuration.said(new Configure(1, resources(false, "orders-db")));
    Files.delete(mounted.resolve("orders-db/orders-db/password"));
    Path other = Files.createDirectories(mounted.resolve("invoices-db/invoices-db"));
    Files.writeString(other.resolve("username"), "agent");
    Files.writeString(other.resolve("password"), "correct-horse");
    List<Document> resources = new ArrayList<>();
    resources.add(resources(false, "orders-db").get(0));
    resources.add(connection("orders-db", 15433, false));
    resources.add(connection("invoices-db", 15432, false));
    configuration.said(new Configure(2, resources));
    assertThat(applied.get(1).connections())
        .extracting(ConnectionConfiguration::name)
        .containsExactly("invoices-db");
  }

  private void mount(String key, String value) throws IOException {
    Path file = mounted.resolve("orders-db/orders-db").resolve(key);
    Files.createDirectories(file.getParent());
    Files.writeString(file, value);
  }

  private static List<Document> resources(boolean suspended, String connection) {
    return List.of(
        Document.pod(
            new Metadata("support", "agent-0", "uid-0", 1, Map.of("app", "support-agent")),
            "support-agent"),
        connection(connection, 15432, suspended));
  }

  private static Document connection(String name, int port, boolean suspended) {
    Map<String, Object> fields = new HashMap<>();
    fields.put("apiVersion", "chaperone.dev/v1alpha1");
    fields.put("kind", "AgentConnection");
    fields.put("metadata", Map.of("namespace", "support", "name", name, "uid", "uid-c"));
    fields.put(
        "spec",
        Map.of(
            "protocol",
            "PostgreSQL",
            "target",
            Map.of("host", "orders.prod.svc", "port", 5432L, "database", "orders"),
            "credentials",
            Map.of("secretRef", Map.of("name", name)),
            "agents",
            Map.of("podSelector", Map.of("matchLabels", Map.of("app", "support-agent"))),
            "listen",
            Map.of("port", (long) port),
            "suspended",
            suspended));
    return new Document(fields);
  }
}
