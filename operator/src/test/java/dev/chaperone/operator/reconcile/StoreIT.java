package dev.chaperone.operator.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.RecordingStored;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.operator.channel.SidecarPod;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.store.StoreSettings;
import dev.chaperone.operator.store.TestRecording;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.OperatorProgram;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
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
import dev.chaperone.sidecar.journal.Journal;
import dev.chaperone.sidecar.journal.SessionJournal;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Recordings, from a sidecar's journal to the operator's volume and the AgentSession's status. */
@UsesTestCluster
@Timeout(600)
class StoreIT {
  private static final String NAME = "s-1";
  private static final long MEBIBYTE = 1 << 20;
  private static final OperatorTimes TIMES =
      new OperatorTimes(
          Duration.ofSeconds(10),
          Duration.ofMillis(500),
          Duration.ofSeconds(10),
          Duration.ofMillis(50),
          Duration.ofMillis(500));
  private static World world;

  @TempDir Path directory;

  @BeforeAll
  static void populate(TestCluster cluster) throws Exception {
    Awaitility.setDefaultTimeout(World.PATIENCE);
    Awaitility.ignoreExceptionsByDefault();
    world = new World(cluster);
  }

  @AfterAll
  static void stop() {
    Awaitility.reset();
    world.close();
  }

  /** The parts of a sidecar that record and ship. */
  private final class Sidecar implements OperatorListener, AutoCloseable {
    private final World.Agent agent;
    private final RecordingKey key;
    private final Journal journal;
    private final SessionJournal session;
    private final GatewayThreads threads = new GatewayThreads(2);
    private final AtomicLong acknowledged = new AtomicLong();
    private volatile Conversation conversation = message -> false;
    private RecordingShipper shipper;
    private OperatorChannel channel;

    Sidecar(World.Agent agent, String namespace) throws Exception {
      this.agent = agent;
      key =
          RecordingKey.readOrCreate(directory.resolve("key.pem"), directory.resolve("key.pub.pem"));
      journal = new Journal(recordings(), key, new SimpleMeterRegistry());
      session =
          journal.open(
              new Event.SessionOpened(
                  NAME,
                  new Event.Identity(namespace, "agent-0", agent.uid(), World.AGENT, "", List.of()),
                  "orders",
                  new Event.Target("PostgreSQL", "127.0.0.1", 5432, "orders"),
                  "1.0",
                  Optional.empty()),
              Duration.ofDays(1));
    }

    Path recordings() {
      return directory.resolve("recordings");
    }

    void connect(int port, String authority) throws Exception {
      Files.writeString(directory.resolve("ca.crt"), authority);
      Files.writeString(directory.resolve("token"), agent.token());
      shipper = new RecordingShipper(journal);
      channel =
          new OperatorChannel(
              new OperatorAddress(
                  "127.0.0.1",
                  port,
                  directory.resolve("ca.crt"),
                  directory.resolve("token"),
                  agent.uid()),
              TIMES,
              agent.key,
              new OperatorLease(),
              List.of(this, shipper),
              threads.backgroundLoop(),
              threads.waiting());
      shipper.start();
      channel.start();
    }

    void disconnect() {
      channel.close();
      shipper.close();
    }

    @Override
    public void opened(Conversation begun) {
      conversation = begun;
      begun.say(
          new SessionStarted(
              NAME,
              "orders",
              new SessionIdentity(World.AGENT, null, null),
              "2026-01-01T00:00:00Z"));
      // What it says of its recording does not count where the operator has it.
      begun.say(
          new SessionProgress(
              NAME,
              new OperationCounts(1L, 0L, 0L),
              0,
              0,
              "2026-01-01T00:00:01Z",
              new RecordingState(NAME, "sha256:" + "0".repeat(64), 999_999L)));
    }

    @Override
    public void said(FromOperator message) {
      if (message instanceof RecordingStored stored && stored.session().equals(NAME)) {
        acknowledged.accumulateAndGet(stored.bytes(), Math::max);
      }
    }

    void record(int count) throws InterruptedException {
      for (int i = 0; i < count; i++) {
        while (session.append(TestRecording.query("SELECT " + i)) == 0) {
          Thread.sleep(1);
        }
      }
    }

    @Override
    public void close() throws IOException {
      if (channel != null) {
        disconnect();
      }
      journal.close();
      JournalMemory.make(recordings()).discard();
      threads.close();
    }
  }

  private AgentSessionStatus status(String namespace) {
    return world.session(namespace, NAME).getStatus();
  }

  @Test
  void theStatusSaysWhatIsStoredAndWhatWasRejected() throws Exception {
    String namespace = world.namespace();
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    world.connection(namespace, "orders", 15432);
    Path volume = directory.resolve("volume");
    try (RecordingStore store =
            RecordingStore.open(
                new StoreSettings(
                    volume, "operator-0", 64 * MEBIBYTE, 64 * MEBIBYTE, 64 * MEBIBYTE));
        World.Replica replica =
            world.replica(world.settings("operator-0", Clock.systemUTC()), Optional.of(store));
        Sidecar sidecar = new Sidecar(agent, namespace)) {
      sidecar.connect(replica.port(), World.AUTHORITY.pem());
      sidecar.record(3_000);
      await()
          .untilAsserted(
              () -> {
                RecordingState recording = status(namespace).recording();
                assertThat(recording.location())
                    .isEqualTo("operator-0:" + agent.uid() + "/" + NAME);
                assertThat(recording.events()).isBetween(3_000L, 4_000L);
                assertThat(status(namespace).operations().allowed()).isEqualTo(1);
              });
      sidecar.conversation.say(new SessionEnded(NAME, false));
      await()
          .untilAsserted(() -> assertThat(status(namespace).phase()).isEqualTo(SessionPhase.ENDED));
      // The last events come after the end.
      sidecar.session.end("done");
      Head end = sidecar.session.head();
      await()
          .untilAsserted(
              () -> {
                assertThat(status(namespace).recording().events()).isEqualTo(end.events());
                assertThat(status(namespace).recording().head()).isEqualTo(end.digest());
                assertThat(status(namespace).phase()).isEqualTo(SessionPhase.ENDED);
              });
      assertThat(
              Verifier.verify(
                      volume.resolve(agent.uid()).resolve(NAME),
                      sidecar.key.publicKey(),
                      Optional.of(end.hash()))
                  .exitCode())
          .isZero();
    }
    // A sidecar that lies: another recording under the same name, for another volume.
    replaceRecording(namespace, agent);
    try (RecordingStore empty =
            RecordingStore.open(
                new StoreSettings(
                    directory.resolve("empty"),
                    "operator-1",
                    64 * MEBIBYTE,
                    64 * MEBIBYTE,
                    64 * MEBIBYTE));
        World.Replica replica =
            world.replica(world.settings("operator-1", Clock.systemUTC()), Optional.of(empty));
        Forged forged = new Forged(agent, replica.port())) {
      await()
          .untilAsserted(
              () ->
                  assertThat(status(namespace).conditions())
                      .anySatisfy(
                          one -> {
                            assertThat(one.type()).isEqualTo("RecordingStored");
                            assertThat(one.status()).isEqualTo(ConditionStatus.FALSE);
                            assertThat(one.message())
                                .contains("it is not what was stored of this session before");
                          }));
      await()
          .untilAsserted(
              () ->
                  assertThat(world.admin().v1().events().inNamespace(namespace).list().getItems())
                      .anySatisfy(
                          event -> assertThat(event.getReason()).isEqualTo("RecordingRejected")));
      assertThat(status(namespace).recording().location()).startsWith("operator-0:");
    }
  }

  private void replaceRecording(String namespace, World.Agent agent) throws IOException {
    Path recordings = directory.resolve("recordings");
    try (var files = Files.list(recordings.resolve(NAME))) {
      for (Path one : files.toList()) {
        Files.delete(one);
      }
    }
    TestRecording.forged(
        recordings,
        new SidecarPod(namespace, "agent-0", agent.uid(), World.AGENT),
        NAME,
        RecordingKey.readOrCreate(directory.resolve("key.pem"), directory.resolve("key.pub.pem")),
        5_000);
  }

  /** Ships what is in the sidecar's directory. */
  private final class Forged implements AutoCloseable {
    private final GatewayThreads threads = new GatewayThreads(2);
    private final Journal journal;
    private final RecordingShipper shipper;
    private final OperatorChannel channel;

    Forged(World.Agent agent, int port) throws Exception {
      journal =
          new Journal(
              directory.resolve("recordings"),
              RecordingKey.readOrCreate(
                  directory.resolve("key.pem"), directory.resolve("key.pub.pem")),
              new SimpleMeterRegistry());
      shipper = new RecordingShipper(journal);
      channel =
          new OperatorChannel(
              new OperatorAddress(
                  "127.0.0.1",
                  port,
                  directory.resolve("ca.crt"),
                  directory.resolve("token"),
                  agent.uid()),
              TIMES,
              agent.key,
              new OperatorLease(),
              List.of(shipper),
              threads.backgroundLoop(),
              threads.waiting());
      shipper.start();
      channel.start();
    }

    @Override
    public void close() throws IOException {
      channel.close();
      shipper.close();
      journal.close();
      JournalMemory.make(directory.resolve("recordings")).discard();
      threads.close();
    }
  }

  /** The program as it is packaged, killed with SIGKILL while a sidecar records as it can. */
  @Test
  void everythingAcknowledgedIsThereAfterTheOperatorWasKilledAgainAndAgain() throws Exception {
    String namespace = world.namespace();
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    world.connection(namespace, "orders", 15432);
    Path volume = directory.resolve("volume");
    Path stored = volume.resolve(agent.uid()).resolve(NAME);
    AtomicBoolean stopped = new AtomicBoolean();
    try (Chart roles = Chart.install(world.cluster(), Chart.OPERATOR_ROLES);
        Sidecar sidecar = new Sidecar(agent, namespace)) {
      Thread load =
          new Thread(
              () -> {
                try {
                  while (!stopped.get()) {
                    sidecar.record(200);
                    Thread.sleep(20);
                  }
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
      load.start();
      try {
        for (int i = 0; i < 3; i++) {
          OperatorProgram program = start(volume);
          try {
            program.awaitReady();
            sidecar.connect(program.channelPort(), authority());
            long before = sidecar.acknowledged.get();
            await().until(() -> sidecar.acknowledged.get() > before + MEBIBYTE);
          } finally {
            // SIGKILL.
            program.process().destroyForcibly().waitFor();
          }
          sidecar.disconnect();
          assertThat(size(stored)).isGreaterThanOrEqualTo(sidecar.acknowledged.get());
        }
      } finally {
        stopped.set(true);
        load.join();
      }
      OperatorProgram program = start(volume);
      try {
        program.awaitReady();
        sidecar.connect(program.channelPort(), authority());
        sidecar.session.end("done");
        await()
            .untilAsserted(
                () -> {
                  Verification verification =
                      Verifier.verify(
                          stored,
                          sidecar.key.publicKey(),
                          Optional.of(sidecar.session.head().hash()));
                  assertThat(verification).isInstanceOf(Verification.Sealed.class);
                });
        assertThat(program.get("/metrics").body())
            .contains("chaperone_store_bytes")
            .doesNotContain("chaperone_store_rejected_total{");
      } finally {
        program.process().destroyForcibly().waitFor();
      }
    }
  }

  private static OperatorProgram start(Path volume) throws IOException {
    return OperatorProgram.start(
        world.cluster(),
        "store",
        Map.of(
            "KUBECONFIG",
            world.cluster().kubeconfigOf(World.OPERATOR, world.cluster().server()).toString(),
            "CHAPERONE_WEBHOOK_CONFIGURATION",
            "chaperone-pods",
            "CHAPERONE_RECORDINGS_DIRECTORY",
            volume.toString()));
  }

  private static String authority() {
    return new String(
        Base64.getDecoder()
            .decode(
                world
                    .admin()
                    .secrets()
                    .inNamespace(world.cluster().namespace())
                    .withName("chaperone-ca")
                    .get()
                    .getData()
                    .get("tls.crt")),
        StandardCharsets.US_ASCII);
  }

  private static long size(Path stored) throws IOException {
    long size = 0;
    try (var files = Files.list(stored)) {
      for (Path file : files.filter(one -> one.toString().endsWith(".seg")).toList()) {
        size += Files.size(file);
      }
    }
    return size;
  }
}
