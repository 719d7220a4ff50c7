package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.RecordingOffered;
import dev.chaperone.control.channel.ChannelMessage.RecordingPiece;
import dev.chaperone.control.channel.ChannelMessage.RecordingRefused;
import dev.chaperone.control.channel.ChannelMessage.RecordingStored;
import dev.chaperone.control.channel.ChannelMessage.RecordingWanted;
import dev.chaperone.control.channel.ChannelMessage.RecordingsKept;
import dev.chaperone.operator.store.RecordingIntake;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.store.StoreObserver;
import dev.chaperone.operator.store.StoreSettings;
import dev.chaperone.operator.store.TestRecording;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.Verification;
import dev.chaperone.recording.Verifier;
import dev.chaperone.recording.memory.JournalMemory;
import dev.chaperone.sidecar.control.OperatorAddress;
import dev.chaperone.sidecar.control.OperatorChannel;
import dev.chaperone.sidecar.control.OperatorLease;
import dev.chaperone.sidecar.control.OperatorListener;
import dev.chaperone.sidecar.control.OperatorTimes;
import dev.chaperone.sidecar.control.RecordingShipper;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import dev.chaperone.sidecar.journal.Availability;
import dev.chaperone.sidecar.journal.Journal;
import dev.chaperone.sidecar.journal.SessionJournal;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** From a sidecar's journal to the operator's store, with nothing pretended in between. */
@Timeout(180)
@Tag("long")
class ShippingTest {
  private static final RecordingKey STORE_KEY = RecordingKey.generate();
  private static final TestAuthority AUTHORITY = new TestAuthority();
  private static final SidecarPod POD = FakeCluster.POD;
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long MEBIBYTE = 1 << 20;
  private static final OperatorTimes TIMES =
      new OperatorTimes(
          Duration.ofSeconds(10),
          Duration.ofMillis(200),
          Duration.ofSeconds(10),
          Duration.ofMillis(50),
          Duration.ofMillis(200));

  @TempDir Path directory;

  private final FakeCluster cluster = new FakeCluster();
  private final GatewayThreads threads = new GatewayThreads(2);
  private final Acknowledged acknowledged = new Acknowledged();
  private final List<String> rejected = new CopyOnWriteArrayList<>();
  private final Map<String, Head> seen = new ConcurrentHashMap<>();
  private final KeyPair channelKey = AuthenticatorTest.key();
  private RecordingKey key;
  private Journal journal;
  private RecordingShipper shipper;
  private OperatorChannel channel;
  private Replica replica;

  /** Keeps what was acknowledged last, by session. */
  private static final class Acknowledged implements OperatorListener {
    private final Map<String, Long> bytes = new ConcurrentHashMap<>();

    @Override
    public void opened(Conversation conversation) {}

    @Override
    public void said(FromOperator message) {
      if (message instanceof RecordingStored stored) {
        bytes.put(stored.session(), stored.bytes());
      }
    }
  }

  /** The operator's end, with a volume. */
  private final class Replica extends RecordingListener implements AutoCloseable, StoreObserver {
    private final Path volume;
    private final RecordingStore store;
    private final RecordingIntake intake;
    private final ChannelServer server;

    Replica(String name, int port, long mostBytes, long mostUnstored) throws Exception {
      volume = directory.resolve(name);
      store =
          RecordingStore.open(new StoreSettings(volume, name, mostBytes, mostBytes, mostUnstored));
      intake =
          new RecordingIntake(
              store,
              new RecordingKeyBindings(cluster),
              () -> Optional.of(STORE_KEY),
              session -> Optional.ofNullable(seen.get(session.session())),
              this,
              new SimpleMeterRegistry());
      ServerIdentity identity = AUTHORITY.server("127.0.0.1");
      server =
          ChannelServer.listen(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
              () -> identity,
              new Authenticator(cluster, cluster, cluster),
              this,
              ChannelSettings.STANDARD);
    }

    Path session(String name) {
      return volume.resolve(POD.uid()).resolve(name);
    }

    long size(String name) throws IOException {
      long size = 0;
      if (Files.isDirectory(session(name))) {
        try (var files = Files.list(session(name))) {
          for (Path file : files.filter(one -> one.toString().endsWith(".seg")).toList()) {
            size += Files.size(file);
          }
        }
      }
      return size;
    }

    Verification verify(String name) throws IOException {
      return Verifier.verify(session(name), key.publicKey(), Optional.empty());
    }

    @Override
    public void connected(ConnectedSidecar sidecar) {
      intake.connected(sidecar);
    }

    @Override
    public void disconnected(ConnectedSidecar sidecar) {
      intake.disconnected(sidecar);
    }

    @Override
    public void recordingOffered(ConnectedSidecar sidecar, RecordingOffered offered) {
      intake.offered(sidecar, offered);
    }

    @Override
    public void recordingPiece(ConnectedSidecar sidecar, RecordingPiece piece) {
      intake.piece(sidecar, piece);
    }

    @Override
    public void stored(ConnectedSidecar sidecar, String session, String location, Head head) {
      seen.put(session, head);
    }

    @Override
    public void rejected(ConnectedSidecar sidecar, String session, String why) {
      rejected.add(session + ": " + why);
    }

    @Override
    public void close() {
      server.close();
      intake.close();
      store.close();
    }
  }

  @BeforeEach
  void files() throws Exception {
    Files.writeString(directory.resolve("ca.crt"), AUTHORITY.pem());
    Files.writeString(directory.resolve("token"), FakeCluster.TOKEN);
    key = RecordingKey.readOrCreate(directory.resolve("key.pem"), directory.resolve("key.pub.pem"));
    journal = new Journal(recordings(), key, new SimpleMeterRegistry());
    replica = new Replica("store-0", 0, 64 * MEBIBYTE, 32 * MEBIBYTE);
  }

  private Path recordings() {
    return directory.resolve("recordings");
  }

  @AfterEach
  void stop() throws Exception {
    if (channel != null) {
      shipper.close();
      channel.close();
    }
    journal.close();
    JournalMemory.make(recordings()).discard();
    threads.close();
    replica.close();
  }

  /** A sidecar's container is started. */
  private void connect() throws Exception {
    connect(replica.server.port());
  }

  private void connect(int port) throws Exception {
    shipper = new RecordingShipper(journal);
    channel =
        new OperatorChannel(
            new OperatorAddress(
                "127.0.0.1",
                port,
                directory.resolve("ca.crt"),
                directory.resolve("token"),
                POD.uid()),
            TIMES,
            channelKey,
            new OperatorLease(),
            List.of(shipper, acknowledged),
            threads.backgroundLoop(),
            threads.waiting());
    shipper.start();
    channel.start();
  }

  private SessionJournal session(String name) {
    return journal.open(opened(name), Duration.ofDays(30));
  }

  static Event.SessionOpened opened(String name) {
    return new Event.SessionOpened(
        name,
        new Event.Identity(
            POD.namespace(), POD.name(), POD.uid(), POD.serviceAccount(), "", List.of()),
        "orders",
        new Event.Target("PostgreSQL", "127.0.0.1", 5432, "orders"),
        "1.0",
        Optional.empty());
  }

  private static void record(SessionJournal session, int count) throws Exception {
    for (int i = 0; i < count; i++) {
      while (session.append(TestRecording.query("SELECT " + i)) == 0) {
        Thread.sleep(1);
      }
    }
  }

  /** Waits until a session is stored to its end, and sees that it is what was recorded. */
  private void awaitStored(SessionJournal session, String name) {
    await()
        .atMost(PATIENCE)
        .ignoreExceptions()
        .untilAsserted(
            () -> {
              Verification verification = replica.verify(name);
              assertThat(verification.exitCode()).isZero();
              assertThat(((Verification.Sealed) verification).head()).isEqualTo(session.head());
            });
  }

  @Test
  void whatIsRecordedIsStoredToItsSeal() throws Exception {
    connect();
    SessionJournal first = session("first");
    SessionJournal second = session("second");
    record(first, 5_000);
    record(second, 10);
    await().atMost(PATIENCE).until(() -> acknowledged.bytes.containsKey("second"));
    first.end("done");
    second.end("done");
    // The end of the program waits for the last pieces.
    shipper.close();
    awaitStored(first, "first");
    awaitStored(second, "second");
    assertThat(rejected).isEmpty();
    assertThat(acknowledged.bytes.get("first")).isEqualTo(replica.size("first"));
  }

  @Test
  void anOperatorThatIsStartedAnewGoesOnWhereItWas() throws Exception {
    connect();
    SessionJournal session = session("s");
    record(session, 5_000);
    await().atMost(PATIENCE).until(() -> acknowledged.bytes.getOrDefault("s", 0L) > 100_000);
    int port = replica.server.port();
    replica.close();
    long stored = replica.size("s");
    assertThat(stored).isGreaterThanOrEqualTo(acknowledged.bytes.get("s"));
    record(session, 5_000);
    replica = new Replica("store-0", port, 64 * MEBIBYTE, 32 * MEBIBYTE);
    session.end("done");
    awaitStored(session, "s");
    assertThat(rejected).isEmpty();
  }

  @Test
  void everythingAcknowledgedIsThereAfterTheOperatorWasKilledAgainAndAgain() throws Exception {
    int port = replica.server.port();
    Replica before = replica;
    before.close();
    SessionJournal session = session("s");
    AtomicBoolean stopped = new AtomicBoolean();
    Thread load = new Thread(() -> recordUntil(stopped, session));
    load.start();
    try {
      connect(port);
      for (int i = 0; i < 4; i++) {
        long acknowledgedBefore = acknowledged.bytes.getOrDefault("s", 0L);
        Process operator = startOperator(port);
        try {
          await()
              .atMost(PATIENCE)
              .until(
                  () ->
                      acknowledged.bytes.getOrDefault("s", 0L) > acknowledgedBefore + 512 * 1_024);
        } finally {
          // SIGKILL.
          operator.destroyForcibly().waitFor();
        }
        assertThat(before.size("s")).isGreaterThanOrEqualTo(acknowledged.bytes.get("s"));
        assertThat(before.verify("s").exitCode()).isEqualTo(4);
      }
    } finally {
      stopped.set(true);
      load.join();
    }
    Files.writeString(directory.resolve("ca.crt"), AUTHORITY.pem());
    replica = new Replica("store-0", port, 64 * MEBIBYTE, 32 * MEBIBYTE);
    session.end("done");
    awaitStored(session, "s");
    assertThat(rejected).isEmpty();
  }

  private static void recordUntil(AtomicBoolean stopped, SessionJournal session) {
    try {
      while (!stopped.get()) {
        for (int i = 0; i < 100; i++) {
          session.append(TestRecording.query("SELECT " + i));
        }
        Thread.sleep(10);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Process startOperator(int port) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            Operator.class.getName(),
            directory.toString(),
            Integer.toString(port))
        .redirectErrorStream(true)
        .redirectOutput(directory.resolve("operator.log").toFile())
        .start();
  }

  /** The operator's end in a process of its own, with a certificate authority of its own. */
  static final class Operator {
    private Operator() {}

    public static void main(String[] arguments) throws Exception {
      ShippingTest parts = new ShippingTest();
      parts.directory = Path.of(arguments[0]);
      Files.writeString(parts.directory.resolve("ca.crt"), AUTHORITY.pem());
      parts.new Replica("store-0", Integer.parseInt(arguments[1]), 64 * MEBIBYTE, 32 * MEBIBYTE);
      Thread.currentThread().join();
    }
  }

  @Test
  void anotherReplicaStoresTheRecordingFromItsBeginning() throws Exception {
    connect();
    SessionJournal session = session("s");
    record(session, 2_000);
    await().atMost(PATIENCE).until(() -> seen.containsKey("s"));
    Replica first = replica;
    int port = first.server.port();
    first.close();
    replica = new Replica("store-1", port, 64 * MEBIBYTE, 32 * MEBIBYTE);
    record(session, 2_000);
    session.end("done");
    awaitStored(session, "s");
    // And the first one has what it has acknowledged.
    assertThat(first.verify("s").exitCode()).isEqualTo(4);
    assertThat(rejected).isEmpty();
  }

  @Test
  void aStoreWithoutRoomEndsTheRecordingAtTheBoundUntilThereIsSome() throws Exception {
    int port = replica.server.port();
    replica.close();
    replica = new Replica("store-0", port, 100_000, 100_000);
    connect();
    SessionJournal session = session("s");
    record(session, 300);
    await().atMost(PATIENCE).until(() -> acknowledged.bytes.containsKey("s"));
    int recorded = 0;
    while (session.availability() == Availability.AVAILABLE && recorded < 100_000) {
      if (session.append(TestRecording.query("SELECT " + recorded++)) == 0) {
        Thread.sleep(1);
      }
    }
    assertThat(session.availability()).isEqualTo(Availability.NOT_STORED);
    replica.close();
    replica = new Replica("store-0", port, 64 * MEBIBYTE, 32 * MEBIBYTE);
    await().atMost(PATIENCE).until(() -> session.availability() == Availability.AVAILABLE);
    record(session, 10);
    session.end("done");
    awaitStored(session, "s");
  }

  @Test
  void aSidecarThatHasWrittenItsPastAnewIsToldAndNothingMoreIsStored() throws Exception {
    connect();
    SessionJournal session = session("s");
    record(session, 100);
    await().atMost(PATIENCE).until(() -> seen.containsKey("s"));
    session.end("done");
    shipper.close();
    channel.close();
    journal.close();
    Replica first = replica;
    int port = first.server.port();
    first.close();
    Verification kept = first.verify("s");
    // Another recording of the same name and key in its place.
    try (var files = Files.list(recordings().resolve("s"))) {
      for (Path one : files.toList()) {
        Files.delete(one);
      }
    }
    TestRecording.forged(recordings(), POD, "s", key, 500);
    journal = new Journal(recordings(), key, new SimpleMeterRegistry());
    replica = new Replica("store-1", port, 64 * MEBIBYTE, 32 * MEBIBYTE);
    connect();
    await().atMost(PATIENCE).until(() -> !rejected.isEmpty());
    assertThat(rejected.get(0)).contains("it is not what was stored of this session before");
    assertThat(replica.size("s")).isZero();
    assertThat(first.verify("s")).isEqualTo(kept);
  }

  @Test
  void whatNobodyAskedForEndsTheConnection() throws Exception {
    Bytes publicKey = new Bytes(key.publicKey().encoded());
    for (ChannelMessage.FromSidecar said :
        List.of(
            new RecordingPiece("s", 1, 0, new Bytes(new byte[] {1}), false),
            new RecordingOffered("../s", publicKey),
            new RecordingOffered("s", new Bytes(new byte[300])))) {
      try (TestSidecar sidecar = letIn()) {
        sidecar.send(said);
        assertThat(sidecar.receive()).isInstanceOf(ChannelMessage.Refused.class);
        assertThat(sidecar.isClosedByServer()).isTrue();
      }
    }
    assertThat(replica.volume.resolve(POD.uid())).doesNotExist();
  }

  @Test
  void whatWasChangedOrSignedWithAnotherKeyIsRefusedForGood() throws Exception {
    TestRecording.forged(recordings(), POD, "s", key, 10);
    byte[] content = Files.readAllBytes(recordings().resolve("s").resolve("000001.seg"));
    content[content.length / 2] ^= 1;
    try (TestSidecar sidecar = letIn()) {
      RecordingOffered offer = new RecordingOffered("s", new Bytes(key.publicKey().encoded()));
      sidecar.send(offer);
      assertThat(sidecar.receive()).isEqualTo(new RecordingWanted("s", 1, 0));
      sidecar.send(new RecordingPiece("s", 1, 0, new Bytes(content), false));
      assertThat(sidecar.receive())
          .isInstanceOfSatisfying(
              RecordingRefused.class,
              refused -> {
                assertThat(refused.forGood()).isTrue();
                assertThat(refused.why()).contains("it does not have the hash it says");
              });
      // The first key that was named is the pod's.
      byte[] other = RecordingKey.generate().publicKey().encoded();
      sidecar.send(new RecordingOffered("t", new Bytes(other)));
      assertThat(sidecar.receive())
          .isEqualTo(
              new RecordingRefused("t", true, "another key signs the recordings of this pod"));
      // Each refusal is written down: nobody is to fill logs and events with them.
      sidecar.send(offer);
      assertThat(sidecar.receive()).isInstanceOf(ChannelMessage.Refused.class);
      assertThat(sidecar.isClosedByServer()).isTrue();
    }
    try (TestSidecar again = letIn()) {
      again.send(
          new RecordingOffered("t", new Bytes(RecordingKey.generate().publicKey().encoded())));
      assertThat(again.receive()).isInstanceOf(RecordingRefused.class);
    }
    assertThat(rejected).hasSize(3);
    assertThat(replica.volume.resolve(POD.uid())).doesNotExist();
  }

  private TestSidecar letIn() throws Exception {
    TestSidecar sidecar = TestSidecar.letIn(replica.server.port(), AUTHORITY, channelKey);
    assertThat(sidecar.receive()).isEqualTo(new RecordingsKept(true, 32 * MEBIBYTE));
    return sidecar;
  }

  @Test
  void whatASidecarHadRecordedWhenItWasKilledIsStoredByTheNextOne() throws Exception {
    journal.close();
    long last = recordAndBeKilled();
    journal = new Journal(recordings(), key, new SimpleMeterRegistry());
    connect();
    await()
        .atMost(PATIENCE)
        .ignoreExceptions()
        .untilAsserted(
            () -> {
              Verification verification = replica.verify("killed");
              assertThat(verification).isInstanceOf(Verification.Unsealed.class);
              assertThat(((Verification.Unsealed) verification).head().events())
                  .isGreaterThanOrEqualTo(last);
            });
    // It is over, stored to its end, and not offered again.
    await()
        .atMost(PATIENCE)
        .until(() -> Files.exists(recordings().resolve("killed").resolve("stored")));
    assertThat(rejected).isEmpty();
  }

  private long recordAndBeKilled() throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Killed.class.getName(),
                directory.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    List<Long> numbers = new ArrayList<>();
    try (var out = child.inputReader(StandardCharsets.UTF_8)) {
      // Some way into what it does, not at an end of it.
      while (numbers.size() < 20_000) {
        numbers.add(Long.parseLong(out.readLine()));
      }
    } finally {
      // SIGKILL.
      child.destroyForcibly().waitFor();
    }
    return numbers.get(numbers.size() - 1);
  }

  /** Records without an end, and says of each event that it is recorded. */
  static final class Killed {
    private Killed() {}

    public static void main(String[] arguments) throws Exception {
      Path directory = Path.of(arguments[0]);
      Journal journal =
          new Journal(
              directory.resolve("recordings"),
              RecordingKey.readOrCreate(
                  directory.resolve("key.pem"), directory.resolve("key.pub.pem")),
              new SimpleMeterRegistry());
      SessionJournal session = journal.open(opened("killed"), Duration.ofDays(1));
      for (int i = 0; ; i++) {
        long number = session.append(TestRecording.query("SELECT " + i));
        if (number > 0) {
          System.out.println(number);
        } else {
          Thread.sleep(1);
        }
      }
    }
  }
}
