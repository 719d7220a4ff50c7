package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.Document;
import dev.chaperone.control.resource.Metadata;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.sidecar.control.OperatorAddress;
import dev.chaperone.sidecar.control.OperatorChannel;
import dev.chaperone.sidecar.control.OperatorConfiguration;
import dev.chaperone.sidecar.control.OperatorLease;
import dev.chaperone.sidecar.control.OperatorListener;
import dev.chaperone.sidecar.control.OperatorTimes;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The operator's end and the sidecar's, with nothing pretended in between. */
@Timeout(60)
class BothEndsTest {
  private static final TestAuthority AUTHORITY = new TestAuthority();
  private static final OperatorTimes TIMES =
      new OperatorTimes(
          Duration.ofSeconds(10),
          Duration.ofMillis(200),
          Duration.ofSeconds(10),
          Duration.ofMillis(50),
          Duration.ofMillis(200));

  @TempDir Path directory;

  private final FakeCluster cluster = new FakeCluster();
  private final RecordingListener listener = new RecordingListener();
  private final GatewayThreads threads = new GatewayThreads(2);
  private final List<Configuration> applied = new CopyOnWriteArrayList<>();
  private final Greeter greeter = new Greeter();
  private ChannelServer server;
  private OperatorChannel channel;

  /** Says that it is well as soon as it is let in. */
  private static final class Greeter implements OperatorListener {
    @Override
    public void opened(Conversation conversation) {
      conversation.say(new Health(true, ""));
    }

    @Override
    public void said(FromOperator message) {}
  }

  @BeforeEach
  void files() throws Exception {
    Files.writeString(directory.resolve("ca.crt"), AUTHORITY.pem());
    Files.writeString(directory.resolve("token"), FakeCluster.TOKEN);
    server = listen(0);
  }

  @AfterEach
  void stop() {
    channel.close();
    threads.close();
    server.close();
  }

  private ChannelServer listen(int port) throws Exception {
    ServerIdentity identity = AUTHORITY.server("127.0.0.1");
    return ChannelServer.listen(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
        () -> identity,
        new Authenticator(cluster, cluster, cluster),
        listener,
        ChannelSettings.STANDARD);
  }

  private void connect(KeyPair key) throws Exception {
    OperatorConfiguration configuration =
        new OperatorConfiguration(
            Files.createDirectories(directory.resolve("secrets")), applied::add);
    channel =
        new OperatorChannel(
            new OperatorAddress(
                "127.0.0.1",
                server.port(),
                directory.resolve("ca.crt"),
                directory.resolve("token"),
                FakeCluster.POD.uid()),
            TIMES,
            key,
            new OperatorLease(),
            List.of(configuration, greeter),
            threads.backgroundLoop(),
            threads.waiting());
    channel.start();
  }

  @Test
  void aConfigurationIsInForceAndAnsweredInLessThanASecond() throws Exception {
    connect(AuthenticatorTest.key());
    await().untilAsserted(() -> assertThat(listener.heard).containsExactly(new Health(true, "")));
    assertThat(listener.last.pod()).isEqualTo(FakeCluster.POD);
    long revision = listener.last.configure(List.of(pod()));
    await()
        .untilAsserted(
            () -> assertThat(listener.heard).contains(new ConfigurationApplied(revision)));
    assertThat(applied.get(0).subject().serviceAccount()).isEqualTo("support-agent");
    // The first one loads classes and schemas; those after it are what the promise is about.
    long begin = System.nanoTime();
    long second = listener.last.configure(List.of(pod()));
    await()
        .pollInterval(Duration.ofMillis(10))
        .untilAsserted(() -> assertThat(listener.heard).contains(new ConfigurationApplied(second)));
    Duration took = Duration.ofNanos(System.nanoTime() - begin);
    assertThat(took).isLessThan(Duration.ofSeconds(1));
  }

  @Test
  void anOperatorThatIsStartedAnewIsFoundByTheSameKey() throws Exception {
    connect(AuthenticatorTest.key());
    await().untilAsserted(() -> assertThat(listener.heard).hasSize(1));
    int port = server.port();
    server.close();
    server = listen(port);
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(listener.heard).hasSize(2));
    assertThat(server.sidecar(FakeCluster.POD.uid())).isPresent();
  }

  @Test
  void aSidecarOfAnotherKeyIsLetInOnceItsContainerWasStartedAnew() throws Exception {
    cluster.create(
        FakeCluster.POD,
        new KeyBinding(
            new dev.chaperone.control.channel.Bytes(
                AuthenticatorTest.key().getPublic().getEncoded()),
            0));
    connect(AuthenticatorTest.key());
    await()
        .during(Duration.ofMillis(700))
        .untilAsserted(() -> assertThat(listener.comings).isEmpty());
    cluster.restarts(FakeCluster.POD, 1);
    await()
        .untilAsserted(
            () -> assertThat(listener.comings).containsExactly("connected support/agent-0"));
  }

  private static Document pod() {
    return Document.pod(
        new Metadata("support", "agent-0", "uid-0", 1, Map.of("app", "support-agent")),
        "support-agent");
  }
}
