package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.ChannelMessage.Refused;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.control.channel.Document;
import dev.chaperone.control.channel.FrameReader;
import dev.chaperone.crds.v1alpha1.Effect;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestAccess;
import dev.chaperone.crds.v1alpha1.RequestApprovers;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.crds.v1alpha1.RequestPolicy;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The server over real sockets and TLS, and what a hostile client may try. */
@Timeout(60)
class ChannelServerTest {
  private static final TestAuthority AUTHORITY = new TestAuthority();
  private static final KeyPair KEY = AuthenticatorTest.key();
  private static final int MANY = 30;

  private final FakeCluster cluster = new FakeCluster();
  private final RecordingListener listener = new RecordingListener();
  private volatile ServerIdentity identity = AUTHORITY.server("127.0.0.1");
  private ChannelServer server;

  private int start(ChannelSettings settings) throws Exception {
    server =
        ChannelServer.listen(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            () -> identity,
            new Authenticator(cluster, cluster, cluster),
            listener,
            settings);
    return server.port();
  }

  private int start() throws Exception {
    return start(ChannelSettings.STANDARD);
  }

  @AfterEach
  void stop() {
    listener.gate.countDown();
    if (server != null) {
      server.close();
    }
  }

  @Test
  void aSidecarIsLetInConfiguredAndHeard() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      await().untilAsserted(() -> assertThat(listener.last).isNotNull());
      assertThat(listener.last.pod()).isEqualTo(FakeCluster.POD);
      assertThat(listener.last.publicKey()).isEqualTo(new Bytes(KEY.getPublic().getEncoded()));
      assertThat(listener.last.version()).isEqualTo(1);
      assertThat(server.sidecar("uid-0")).contains(listener.last);
      long revision = listener.last.configure(List.of(new Document(Map.of("a", 1L))));
      assertThat(sidecar.receive())
          .isEqualTo(new Configure(revision, List.of(new Document(Map.of("a", 1L)))));
      sidecar.send(new ChannelMessage.ConfigurationApplied(revision));
      sidecar.send(started());
      sidecar.send(progress(1));
      sidecar.send(new ChannelMessage.SessionEnded("s", false));
      await()
          .untilAsserted(
              () ->
                  assertThat(listener.heard)
                      .containsExactly(
                          new ChannelMessage.ConfigurationApplied(revision),
                          started(),
                          progress(1),
                          new ChannelMessage.SessionEnded("s", false)));
    }
    await()
        .untilAsserted(
            () ->
                assertThat(listener.comings)
                    .containsExactly("connected support/agent-0", "disconnected support/agent-0"));
    assertThat(server.sidecars()).isEmpty();
  }

  @Test
  void everythingTheOperatorSaysArrives() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      await().untilAsserted(() -> assertThat(listener.last).isNotNull());
      listener.last.revoke("s");
      listener.last.decide("r", List.of());
      listener.last.shown("r");
      listener.last.gone("r", "deleted");
      listener.last.settled("r");
      List<ChannelMessage> said = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        said.add(sidecar.receive());
      }
      assertThat(said)
          .containsExactly(
              new ChannelMessage.Revoke("s"),
              new ChannelMessage.Decisions("r", List.of()),
              new ChannelMessage.RequestShown("r"),
              new ChannelMessage.RequestGone("r", "deleted"),
              new ChannelMessage.RequestSettled("r"));
    }
  }

  @Test
  void aStolenTokenWithAnotherKeyIsRefusedAndTheSidecarStaysConnected() throws Exception {
    int port = start();
    try (TestSidecar honest = TestSidecar.letIn(port, AUTHORITY, KEY);
        TestSidecar thief = TestSidecar.connect(port, AUTHORITY)) {
      thief.send(thief.hello(FakeCluster.TOKEN, "uid-0", AuthenticatorTest.key()));
      assertRefused(thief, "key-not-bound");
      await().untilAsserted(() -> assertThat(listener.last).isNotNull());
      listener.last.revoke("s");
      assertThat(honest.receive()).isEqualTo(new ChannelMessage.Revoke("s"));
    }
  }

  @Test
  void aHelloForAnotherPodsUidIsRefused() throws Exception {
    try (TestSidecar sidecar = TestSidecar.connect(start(), AUTHORITY)) {
      sidecar.send(sidecar.hello(FakeCluster.TOKEN, "uid-of-another", KEY));
      assertRefused(sidecar, "key-unproved");
    }
  }

  @Test
  void aHelloOfAnotherConnectionIsRefused() throws Exception {
    int port = start();
    Hello overheard;
    try (TestSidecar first = TestSidecar.connect(port, AUTHORITY)) {
      overheard = first.hello(FakeCluster.TOKEN, "uid-0", KEY);
      first.send(overheard);
      assertThat(first.receive()).isInstanceOf(ChannelMessage.Welcome.class);
    }
    try (TestSidecar replay = TestSidecar.connect(port, AUTHORITY)) {
      replay.receive();
      replay.send(overheard);
      assertRefused(replay, "key-unproved");
    }
  }

  @Test
  void theOldKeyIsRefusedAfterARestartBroughtANewOne() throws Exception {
    int port = start();
    TestSidecar.letIn(port, AUTHORITY, KEY).close();
    cluster.restarts(FakeCluster.POD, 1);
    TestSidecar.letIn(port, AUTHORITY, AuthenticatorTest.key()).close();
    try (TestSidecar old = TestSidecar.connect(port, AUTHORITY)) {
      old.send(old.hello(FakeCluster.TOKEN, "uid-0", KEY));
      assertRefused(old, "key-not-bound");
    }
  }

  @Test
  void expiredAndForeignTokensAreRefused() throws Exception {
    int port = start();
    cluster.expire(FakeCluster.TOKEN);
    try (TestSidecar sidecar = TestSidecar.connect(port, AUTHORITY)) {
      sidecar.send(sidecar.hello(FakeCluster.TOKEN, "uid-0", KEY));
      assertRefused(sidecar, "token-invalid");
    }
    cluster.token("for-others", FakeCluster.verdict(FakeCluster.POD, "others"));
    try (TestSidecar sidecar = TestSidecar.connect(port, AUTHORITY)) {
      sidecar.send(sidecar.hello("for-others", "uid-0", KEY));
      assertRefused(sidecar, "token-audience");
    }
    assertThat(listener.comings).isEmpty();
  }

  @Test
  void aFrameThatIsTooLargeForAHandshakeIsRefusedByItsLength() throws Exception {
    try (TestSidecar sidecar = TestSidecar.connect(start(), AUTHORITY)) {
      sidecar.receive();
      sidecar.sendRaw(FrameReader.header(SidecarConnection.HANDSHAKE_FRAME + 1));
      assertRefused(sidecar, "protocol");
    }
  }

  @Test
  void aFrameThatIsTooLargeIsRefusedAfterTheHandshakeToo() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      sidecar.sendRaw(FrameReader.header(FrameReader.MAX_FRAME + 1));
      assertRefused(sidecar, "protocol");
    }
  }

  @Test
  void largeFramesAreTakenAfterTheHandshake() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      Health large = new Health(false, "x".repeat(3 * 1024 * 1024));
      sidecar.send(large);
      await().untilAsserted(() -> assertThat(listener.heard).containsExactly(large));
    }
  }

  @Test
  void aHandshakeThatTakesItsTimeIsEndedAtTheDeadline() throws Exception {
    int port = start(settings(Duration.ofMillis(600), 10));
    try (TestSidecar sidecar = TestSidecar.connect(port, AUTHORITY)) {
      sidecar.receive();
      byte[] drip = FrameReader.header(1_000);
      long begin = System.nanoTime();
      sidecar.sendRaw(drip);
      Thread dripping =
          new Thread(
              () -> {
                try {
                  while (true) {
                    Thread.sleep(50);
                    sidecar.sendRaw(new byte[] {' '});
                  }
                } catch (Exception e) {
                  // The server has closed it.
                }
              });
      dripping.start();
      assertRefused(sidecar, "deadline");
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
      sidecar.close();
      dripping.join(5_000);
    }
  }

  @Test
  void whoNeverBeginsTlsIsClosedAtTheDeadline() throws Exception {
    int port = start(settings(Duration.ofMillis(300), 10));
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(10_000);
      assertThat(socket.getInputStream().read()).isEqualTo(-1);
    }
  }

  @Test
  void handshakesThatAreUnderWayAreFewAndTheirPlacesAreGivenBack() throws Exception {
    int port = start(settings(Duration.ofSeconds(30), 3));
    List<Socket> waiting = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
      socket.setSoTimeout(100);
      waiting.add(socket);
    }
    // Which of them comes first is not said; three have a place.
    await().until(() -> waiting.stream().filter(ChannelServerTest::isClosed).count() == 2);
    for (Socket socket : waiting) {
      socket.close();
    }
    await().ignoreExceptions().untilAsserted(() -> TestSidecar.letIn(port, AUTHORITY, KEY).close());
  }

  @Test
  void thoseWhoComeAtOnceAreLetInOneAfterTheOther() throws Exception {
    int port =
        start(
            new ChannelSettings(
                Duration.ofSeconds(30),
                Duration.ofSeconds(5),
                Duration.ofSeconds(15),
                MANY,
                MANY,
                1,
                1));
    AtomicInteger underWay = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    cluster.beforeReview(
        () -> {
          most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
          underWay.decrementAndGet();
        });
    ExecutorService all = Executors.newFixedThreadPool(MANY);
    try {
      List<Future<TestSidecar>> comers = new ArrayList<>();
      for (int i = 0; i < MANY; i++) {
        comers.add(all.submit(() -> TestSidecar.letIn(port, AUTHORITY, KEY)));
      }
      for (Future<TestSidecar> comer : comers) {
        comer.get().close();
      }
    } finally {
      all.shutdownNow();
    }
    assertThat(most).hasValue(1);
  }

  @Test
  void whoseTurnDoesNotComeInTimeIsLetGoOf() throws Exception {
    int port =
        start(
            new ChannelSettings(
                Duration.ofMillis(800),
                Duration.ofSeconds(5),
                Duration.ofSeconds(15),
                MANY,
                MANY,
                1,
                1));
    try (Socket first = new Socket(InetAddress.getLoopbackAddress(), port);
        Socket second = new Socket(InetAddress.getLoopbackAddress(), port)) {
      // Both say nothing; the second's patience ends with the first's handshake.
      first.setSoTimeout(10_000);
      second.setSoTimeout(10_000);
      assertThat(first.getInputStream().read()).isEqualTo(-1);
      assertThat(second.getInputStream().read()).isEqualTo(-1);
    }
    await().ignoreExceptions().untilAsserted(() -> TestSidecar.letIn(port, AUTHORITY, KEY).close());
  }

  @Test
  void aServerThatWaitsForTheApiServerKeepsTheDeadline() throws Exception {
    CountDownLatch answer = new CountDownLatch(1);
    cluster.beforeReview(
        () -> {
          try {
            answer.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    int port = start(settings(Duration.ofMillis(500), 10));
    try (TestSidecar sidecar = TestSidecar.connect(port, AUTHORITY)) {
      sidecar.send(sidecar.hello(FakeCluster.TOKEN, "uid-0", KEY));
      assertRefused(sidecar, "deadline");
    } finally {
      answer.countDown();
    }
    assertThat(listener.comings).isEmpty();
  }

  @Test
  void garbageInPlaceOfAHelloIsRefused() throws Exception {
    int port = start();
    for (String garbage :
        List.of("garbage", "{}", "{\"type\":\"Psychic\"}", "{\"type\":\"Heartbeat\"}")) {
      try (TestSidecar sidecar = TestSidecar.connect(port, AUTHORITY)) {
        sidecar.receive();
        sidecar.sendFrame(garbage.getBytes(StandardCharsets.UTF_8));
        assertRefused(sidecar, "protocol");
      }
    }
  }

  @Test
  void garbageAfterTheHandshakeIsRefused() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      sidecar.sendFrame(new byte[] {(byte) 0xFF, 0, 1});
      assertRefused(sidecar, "protocol");
    }
  }

  @Test
  void whatOnlyTheOperatorSaysIsRefused() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      sidecar.send(new ChannelMessage.Revoke("s"));
      assertRefused(sidecar, "protocol");
    }
  }

  @Test
  void aMessageOfAFutureReleaseIsPassedOverAndAnswered() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      sidecar.sendFrame("{\"type\":\"Psychic\",\"thought\":1}".getBytes(StandardCharsets.UTF_8));
      assertThat(sidecar.receive()).isEqualTo(new ChannelMessage.NotUnderstood("Psychic"));
      sidecar.send(new Health(true, ""));
      await().untilAsserted(() -> assertThat(listener.heard).containsExactly(new Health(true, "")));
    }
  }

  @Test
  void aFloodOfProgressStopsAtTheSender() throws Exception {
    listener.gate = new CountDownLatch(1);
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      sidecar.send(started());
      int flood = 200_000;
      int[] sent = new int[1];
      Thread flooding =
          new Thread(
              () -> {
                try {
                  for (int i = 1; i <= flood; i++) {
                    sidecar.send(progress(i));
                    sent[0] = i;
                  }
                } catch (Exception e) {
                  // The test is over.
                }
              });
      flooding.start();
      // Nobody hears: the sender has to come to a stand.
      await()
          .atMost(Duration.ofSeconds(30))
          .until(
              () -> {
                int before = sent[0];
                Thread.sleep(500);
                return before > Inbox.HIGH && sent[0] == before;
              });
      assertThat(sent[0]).isLessThan(flood);
      int stood = sent[0];
      listener.gate.countDown();
      await().atMost(Duration.ofSeconds(30)).until(() -> sent[0] > stood);
      sidecar.close();
      flooding.join(10_000);
    }
  }

  @Test
  void aSidecarThatTakesNothingHasOnlyTheNewestConfigurationWaiting() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      await().untilAsserted(() -> assertThat(listener.last).isNotNull());
      List<Document> large = List.of(new Document(Map.of("x", "x".repeat(1024 * 1024))));
      long revision = 0;
      for (int i = 0; i < 200; i++) {
        revision = listener.last.configure(large);
      }
      int received = 0;
      long newest = 0;
      while (newest < revision) {
        newest = ((Configure) sidecar.receive()).revision();
        received++;
      }
      assertThat(received).isLessThan(150);
    }
  }

  @Test
  void aSidecarThatTakesNothingIsSentAwayWhenTooMuchWaits() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      await().untilAsserted(() -> assertThat(listener.last).isNotNull());
      String large = "x".repeat(16 * 1024);
      for (int i = 0; i < 3 * ConnectedSidecar.MAX_WAITING; i++) {
        listener.last.gone(large, large);
      }
      assertThat(sidecar.isClosedByServer()).isTrue();
    }
    await().untilAsserted(() -> assertThat(server.sidecars()).isEmpty());
  }

  @Test
  void heartbeatsAreSentAndSilenceIsNotBorne() throws Exception {
    int port =
        start(
            new ChannelSettings(
                Duration.ofSeconds(10),
                Duration.ofMillis(100),
                Duration.ofMillis(700),
                10,
                10,
                10,
                10));
    try (TestSidecar sidecar = TestSidecar.letIn(port, AUTHORITY, KEY)) {
      for (int i = 0; i < 12; i++) {
        assertThat(sidecar.receiveAny()).isInstanceOf(ChannelMessage.Heartbeat.class);
        sidecar.send(new ChannelMessage.Heartbeat());
      }
      assertThat(server.sidecars()).hasSize(1);
      assertThat(sidecar.isClosedByServer()).isTrue();
    }
    assertThat(listener.heard).isEmpty();
  }

  @Test
  void aNewerConnectionOfAPodEndsTheOlder() throws Exception {
    int port = start();
    try (TestSidecar older = TestSidecar.letIn(port, AUTHORITY, KEY);
        TestSidecar newer = TestSidecar.letIn(port, AUTHORITY, KEY)) {
      assertRefused(older, "replaced");
      await().untilAsserted(() -> assertThat(server.sidecars()).hasSize(1));
      server.sidecar("uid-0").orElseThrow().revoke("s");
      assertThat(newer.receive()).isEqualTo(new ChannelMessage.Revoke("s"));
    }
  }

  @Test
  void aRequestOfAnotherPodIsNotHeard() throws Exception {
    int port = start();
    for (Request forged :
        List.of(
            request("s", "orders-db", "agent-1", "uid-0"),
            request("s", "orders-db", "agent-0", "uid-1"),
            request("other", "orders-db", "agent-0", "uid-0"),
            request("s", "other", "agent-0", "uid-0"))) {
      try (TestSidecar sidecar = TestSidecar.letIn(port, AUTHORITY, KEY)) {
        sidecar.send(started());
        sidecar.send(new ChannelMessage.ApprovalRequested("r", forged, "2026-11-22T05:00:00Z"));
        assertRefused(sidecar, "foreign");
      }
    }
    assertThat(listener.heard).containsOnly(started());
  }

  @Test
  void aSessionOfAnotherServiceAccountIsNotHeard() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      sidecar.send(
          new SessionStarted(
              "s", "orders-db", new SessionIdentity("admin", null, null), "2026-11-22T05:00:00Z"));
      assertRefused(sidecar, "foreign");
    }
    assertThat(listener.heard).isEmpty();
  }

  @Test
  void aRequestOfItsOwnSessionIsHeard() throws Exception {
    try (TestSidecar sidecar = TestSidecar.letIn(start(), AUTHORITY, KEY)) {
      ChannelMessage.ApprovalRequested requested =
          new ChannelMessage.ApprovalRequested(
              "r", request("s", "orders-db", "agent-0", "uid-0"), "2026-11-22T05:00:00Z");
      sidecar.send(started());
      sidecar.send(requested);
      await().untilAsserted(() -> assertThat(listener.heard).contains(requested));
    }
  }

  @Test
  void aRenewedCertificateIsShownToTheNextSidecar() throws Exception {
    int port = start();
    try (TestSidecar before = TestSidecar.letIn(port, AUTHORITY, KEY)) {
      ServerIdentity renewed = AUTHORITY.server("127.0.0.1");
      identity = renewed;
      try (TestSidecar after = TestSidecar.letIn(port, AUTHORITY, KEY)) {
        assertThat(after.serverCertificate()).isEqualTo(renewed.chain().get(0));
        assertThat(before.serverCertificate()).isNotEqualTo(renewed.chain().get(0));
      }
    }
  }

  @Test
  void onlyTls13IsSpoken() throws Exception {
    int port = start();
    javax.net.ssl.SSLContext context = javax.net.ssl.SSLContext.getDefault();
    try (javax.net.ssl.SSLSocket socket =
        (javax.net.ssl.SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
      socket.setEnabledProtocols(new String[] {"TLSv1.2"});
      assertThatThrownBy(socket::startHandshake).isInstanceOf(SSLException.class);
    }
  }

  private static boolean isClosed(Socket socket) {
    try {
      return socket.getInputStream().read() < 0;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  private static void assertRefused(TestSidecar sidecar, String reason) throws Exception {
    ChannelMessage last = sidecar.receive();
    assertThat(last).isInstanceOf(Refused.class);
    assertThat(((Refused) last).reason()).isEqualTo(reason);
    assertThat(((Refused) last).message()).doesNotContain(FakeCluster.TOKEN);
    assertThat(sidecar.isClosedByServer()).isTrue();
  }

  private static ChannelSettings settings(Duration handshake, int pending) {
    return new ChannelSettings(
        handshake,
        Duration.ofSeconds(5),
        Duration.ofSeconds(15),
        pending,
        pending,
        pending,
        pending);
  }

  private static SessionStarted started() {
    return new SessionStarted(
        "s", "orders-db", new SessionIdentity("support-agent", null, null), "2026-11-22T05:00:00Z");
  }

  private static SessionProgress progress(long allowed) {
    return new SessionProgress(
        "s",
        new OperationCounts(allowed, 0L, 0L),
        0,
        0,
        "2026-11-22T05:00:00Z",
        new RecordingState("recordings/s", null, 0L));
  }

  private static Request request(String session, String connection, String pod, String uid) {
    return new Request(
        session,
        connection,
        new RequestRequester(
            "system:serviceaccount:support:support-agent", null, "support-agent", pod, uid),
        new RequestOperation(
            Protocol.POSTGRESQL,
            List.of(new RequestAccess(Effect.WRITE, "DELETE", "public.t")),
            "DELETE FROM public.t",
            null,
            "sha256:" + "0".repeat(64)),
        new RequestPolicy("p", "r", "uid-p", 1L),
        new RequestApprovers(List.of("dba"), null, 1, false),
        "2026-11-22T05:15:00Z");
  }
}
