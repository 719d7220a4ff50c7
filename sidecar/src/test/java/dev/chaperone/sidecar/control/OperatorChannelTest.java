package dev.chaperone.sidecar.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.ChannelMessage.Revoke;
import dev.chaperone.control.channel.ChannelMessage.Welcome;
import dev.chaperone.control.channel.FrameReader;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import dev.chaperone.sidecar.testing.FakeOperator;
import dev.chaperone.sidecar.testing.TestAuthority;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The channel over real sockets and TLS, to operators that are honest and others. */
@Timeout(60)
class OperatorChannelTest {
  private static final TestAuthority AUTHORITY = new TestAuthority();
  private static final OperatorTimes TIMES =
      new OperatorTimes(
          Duration.ofSeconds(5),
          Duration.ofMillis(200),
          Duration.ofSeconds(10),
          Duration.ofMillis(50),
          Duration.ofMillis(200));

  @TempDir Path directory;

  private final GatewayThreads threads = new GatewayThreads(2);
  private final Listening listener = new Listening();
  private final OperatorLease lease = new OperatorLease();
  private KeyPair key;
  private OperatorChannel channel;

  /** Remembers what it was told. */
  private static final class Listening implements OperatorListener {
    private final List<FromOperator> said = new CopyOnWriteArrayList<>();
    private final List<Conversation> opened = new CopyOnWriteArrayList<>();
    private volatile CountDownLatch gate = new CountDownLatch(0);

    @Override
    public void opened(Conversation conversation) {
      opened.add(conversation);
    }

    @Override
    public void said(FromOperator message) {
      try {
        gate.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      said.add(message);
    }
  }

  @BeforeEach
  void files() throws Exception {
    key = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    Files.writeString(directory.resolve("ca.crt"), AUTHORITY.pem());
    Files.writeString(directory.resolve("token"), "token-1\n");
  }

  @AfterEach
  void stop() {
    listener.gate.countDown();
    if (channel != null) {
      channel.close();
    }
    threads.close();
  }

  private void connect(int port, OperatorTimes times) {
    connect("127.0.0.1", port, times);
  }

  private void connect(String host, int port, OperatorTimes times) {
    channel =
        new OperatorChannel(
            new OperatorAddress(
                host, port, directory.resolve("ca.crt"), directory.resolve("token"), "uid-0"),
            times,
            key,
            lease,
            List.of(listener),
            threads.backgroundLoop(),
            threads.waiting());
    channel.start();
  }

  @Test
  void provesItsKeyIsWelcomedAndHears() throws Exception {
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      connect(operator.port(), TIMES);
      try (FakeOperator.Connection connection = operator.accept()) {
        connection.challenge();
        Hello hello = (Hello) connection.receive();
        assertThat(hello.token().chars()).isEqualTo("token-1".toCharArray());
        assertThat(hello.publicKey()).isEqualTo(new Bytes(key.getPublic().getEncoded()));
        assertThat(connection.proves(hello, "uid-0")).isTrue();
        assertThat(connection.proves(hello, "uid-1")).isFalse();
        assertThat(listener.opened).isEmpty();
        connection.send(new Welcome(1));
        connection.send(new Revoke("s"));
        await().untilAsserted(() -> assertThat(listener.said).containsExactly(new Revoke("s")));
        assertThat(listener.opened.get(0).say(new Health(true, ""))).isTrue();
        assertThat(connection.receive()).isEqualTo(new Health(true, ""));
      }
    }
  }

  @Test
  void comesBackWithTheTokenOfThatMomentAndTheSameKey() throws Exception {
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      connect(operator.port(), TIMES);
      operator.welcome().close();
      Files.writeString(directory.resolve("token"), "token-2");
      Hello hello = null;
      // The token of a try that was under way may still be the old one.
      for (int i = 0; i < 3 && !isToken(hello, "token-2"); i++) {
        try (FakeOperator.Connection connection = operator.accept()) {
          connection.challenge();
          hello = (Hello) connection.receive();
        }
      }
      assertThat(isToken(hello, "token-2")).isTrue();
      assertThat(hello.publicKey()).isEqualTo(new Bytes(key.getPublic().getEncoded()));
    }
    assertThat(listener.opened.get(0).say(new Health(true, ""))).isFalse();
  }

  private static boolean isToken(Hello hello, String token) {
    return hello != null && new String(hello.token().chars()).equals(token);
  }

  @Test
  void comesBackWhenTheOperatorDoes() throws Exception {
    TestAuthority.Server identity = AUTHORITY.server("127.0.0.1");
    int port;
    try (FakeOperator operator = new FakeOperator(identity)) {
      port = operator.port();
      connect(port, TIMES);
      operator.welcome().close();
    }
    await().untilAsserted(() -> assertThat(listener.opened).hasSize(1));
    try (FakeOperator again = new FakeOperator(AUTHORITY.server("127.0.0.1"), port);
        FakeOperator.Connection connection = again.welcome()) {
      connection.send(new Revoke("s"));
      await().untilAsserted(() -> assertThat(listener.said).containsExactly(new Revoke("s")));
      assertThat(listener.opened).hasSize(2);
    }
  }

  @Test
  void tellsNothingToAServerOfAnotherAuthority() throws Exception {
    try (FakeOperator operator = new FakeOperator(new TestAuthority().server("127.0.0.1"))) {
      connect(operator.port(), TIMES);
      assertRefusesTls(operator);
    }
  }

  @Test
  void tellsNothingToAServerOfAnotherName() throws Exception {
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("operator.elsewhere"))) {
      connect(operator.port(), TIMES);
      assertRefusesTls(operator);
    }
  }

  /** It tries again and again, and each time ends in TLS. */
  private static void assertRefusesTls(FakeOperator operator) {
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(
              () -> {
                try (FakeOperator.Connection connection = operator.accept()) {
                  connection.challenge();
                  connection.receive();
                }
              })
          .isInstanceOf(IOException.class)
          .isNotInstanceOf(java.net.SocketTimeoutException.class);
    }
  }

  @Test
  void aServerThatNeverAnswersIsLeftAtTheDeadline() throws Exception {
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      connect(
          operator.port(),
          new OperatorTimes(
              Duration.ofMillis(700),
              Duration.ofMillis(200),
              Duration.ofSeconds(10),
              Duration.ofMillis(50),
              Duration.ofMillis(200)));
      try (FakeOperator.Connection mute = operator.accept()) {
        assertThat(mute.isClosedBySidecar()).isTrue();
      }
      // On a busy machine the deadline may be over before anything is said: then it tries again.
      boolean said = false;
      for (int attempt = 0; !said && attempt < 20; attempt++) {
        try (FakeOperator.Connection half = operator.accept()) {
          half.challenge();
          said = half.receive() instanceof Hello;
          assertThat(half.isClosedBySidecar()).isTrue();
        } catch (IOException e) {
          // Left before it said anything.
        }
      }
      assertThat(said).isTrue();
    }
    assertThat(listener.opened).isEmpty();
  }

  @Test
  void anOperatorThatFallsSilentIsLeft() throws Exception {
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      connect(
          operator.port(),
          new OperatorTimes(
              Duration.ofSeconds(5),
              Duration.ofMillis(100),
              Duration.ofMillis(600),
              Duration.ofMillis(50),
              Duration.ofMillis(200)));
      try (FakeOperator.Connection connection = operator.welcome()) {
        assertThat(connection.isClosedBySidecar()).isTrue();
      }
    }
  }

  @Test
  void whatAnOperatorDoesNotSayIsNotBorne() throws Exception {
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      connect(operator.port(), TIMES);
      List<byte[]> frames =
          List.of(
              utf8("garbage"),
              utf8("{\"type\":\"Welcome\",\"version\":1}"),
              utf8("{\"type\":\"Challenge\"}"),
              utf8("{\"type\":\"Health\",\"ready\":true,\"why\":\"\"}"));
      for (byte[] frame : frames) {
        try (FakeOperator.Connection connection = operator.welcome()) {
          connection.sendFrame(frame);
          assertThat(connection.isClosedBySidecar()).isTrue();
        }
      }
      try (FakeOperator.Connection connection = operator.welcome()) {
        connection.sendRaw(FrameReader.header(FrameReader.MAX_FRAME + 1));
        assertThat(connection.isClosedBySidecar()).isTrue();
      }
      try (FakeOperator.Connection connection = operator.accept()) {
        connection.send(new Welcome(1));
        assertThat(connection.isClosedBySidecar()).isTrue();
      }
      try (FakeOperator.Connection connection = operator.accept()) {
        connection.challenge();
        connection.receive();
        connection.send(new Welcome(2));
        assertThat(connection.isClosedBySidecar()).isTrue();
      }
    }
    assertThat(listener.said).isEmpty();
  }

  @Test
  void aRefusedSidecarTriesAgain() throws Exception {
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      connect(operator.port(), TIMES);
      try (FakeOperator.Connection connection = operator.accept()) {
        connection.challenge();
        connection.receive();
        connection.send(new ChannelMessage.Refused("key-not-bound", "another key"));
        assertThat(connection.isClosedBySidecar()).isTrue();
      }
      operator.welcome().close();
    }
  }

  @Test
  void aWordOfAFutureReleaseIsPassedOverAndAnswered() throws Exception {
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      connect(operator.port(), TIMES);
      try (FakeOperator.Connection connection = operator.welcome()) {
        connection.sendFrame(utf8("{\"type\":\"Psychic\"}"));
        assertThat(connection.receive()).isEqualTo(new ChannelMessage.NotUnderstood("Psychic"));
        connection.send(new Revoke("s"));
        await().untilAsserted(() -> assertThat(listener.said).containsExactly(new Revoke("s")));
      }
    }
  }

  @Test
  void muchThatIsSaidAtOnceIsHeardWhenThereIsTime() throws Exception {
    listener.gate = new CountDownLatch(1);
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      connect(operator.port(), TIMES);
      try (FakeOperator.Connection connection = operator.welcome()) {
        for (int i = 0; i < 1_000; i++) {
          connection.send(new Revoke("s" + i));
        }
        listener.gate.countDown();
        await().untilAsserted(() -> assertThat(listener.said).hasSize(1_000));
        assertThat(listener.said.get(999)).isEqualTo(new Revoke("s999"));
      }
    }
  }

  @Test
  void aMissingTokenIsWaitedFor() throws Exception {
    Files.delete(directory.resolve("token"));
    try (FakeOperator operator = new FakeOperator(AUTHORITY.server("127.0.0.1"))) {
      connect(operator.port(), TIMES);
      Files.writeString(directory.resolve("token"), "token-3");
      operator.welcome().close();
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
