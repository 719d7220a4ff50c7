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
import dev.chaperone.operator.channel.ServerIdentity;
import dev.chaperone.operator.channel.SidecarPod;
import dev.chaperone.operator.channel.TestAuthority;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.store.StoreSettings;
import dev.chaperone.operator.store.TestRecording;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.HttpsClients;
import dev.chaperone.operator.testing.ObjectStorage;
import dev.chaperone.operator.testing.OperatorProgram;
import dev.chaperone.operator.testing.Output;
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
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
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

  /**
   * The volume is lost while nobody looks: the status says so, and that it is stored again once the
   * gateway, which has it still, has sent it from the beginning.
   */
  @Test
  void theStatusSaysThatARecordingIsLostAndThatItIsStoredAgain() throws Exception {
    String namespace = world.namespace();
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    world.connection(namespace, "orders", 15432);
    try (Sidecar sidecar = new Sidecar(agent, namespace)) {
      try (RecordingStore store = RecordingStore.open(settings("volume"));
          World.Replica replica =
              world.replica(world.settings("operator-0", Clock.systemUTC()), Optional.of(store))) {
        sidecar.connect(replica.port(), World.AUTHORITY.pem());
        sidecar.record(200);
        await()
            .untilAsserted(
                () -> assertThat(status(namespace).recording().events()).isGreaterThan(200));
        sidecar.disconnect();
      }
      try (RecordingStore store = RecordingStore.open(settings("another-volume"));
          World.Replica replica =
              world.replica(world.settings("operator-0", Clock.systemUTC()), Optional.of(store))) {
        await()
            .atMost(Duration.ofMinutes(3))
            .untilAsserted(
                () ->
                    assertStored(
                        namespace, ConditionStatus.FALSE, "RecordingLost", "nothing of it"));
        await()
            .untilAsserted(
                () ->
                    assertThat(world.admin().v1().events().inNamespace(namespace).list().getItems())
                        .anySatisfy(
                            event -> assertThat(event.getReason()).isEqualTo("RecordingLost")));
        sidecar.connect(replica.port(), World.AUTHORITY.pem());
        sidecar.record(10);
        await()
            .untilAsserted(
                () ->
                    assertStored(
                        namespace, ConditionStatus.TRUE, "StoredAgain", "RecordingLost: "));
        Path stored = directory.resolve("another-volume").resolve(agent.uid()).resolve(NAME);
        assertThat(stored.resolve("000001.seg")).exists();
      }
    }
  }

  private StoreSettings settings(String volume) {
    return new StoreSettings(
        directory.resolve(volume), "operator-0", 64 * MEBIBYTE, 64 * MEBIBYTE, 64 * MEBIBYTE);
  }

  private void assertStored(
      String namespace, ConditionStatus status, String reason, String message) {
    assertThat(status(namespace).conditions())
        .anySatisfy(
            one -> {
              assertThat(one.type()).isEqualTo("RecordingStored");
              assertThat(one.status()).isEqualTo(status);
              assertThat(one.reason()).isEqualTo(reason);
              assertThat(one.message()).contains(message);
            });
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

  private static final String READER = "ann@example.com";
  private static final String API = "/apis/recordings.chaperone.dev/v1alpha1";
  private static final String[] READING = {
    "recordings.store.enabled=true", "recordings.api.enabled=true"
  };

  /** What the chart makes for reading, but for what is in another namespace or names a port. */
  private static boolean isForReading(String document) {
    return (Chart.OPERATOR_ROLES.test(document)
            || document.contains("name: chaperone-recording-reader\n"))
        && !document.contains("namespace: kube-system");
  }

  /** A replica that serves recordings, on an address of its own as pods have one. */
  private OperatorProgram startReading(String name, String address, int port) throws IOException {
    return startReading(name, address, port, Map.of());
  }

  private OperatorProgram startReading(
      String name, String address, int port, Map<String, String> more) throws IOException {
    world
        .admin()
        .resource(
            new PodBuilder()
                .withNewMetadata()
                .withNamespace(world.cluster().namespace())
                .withName(name)
                .endMetadata()
                .withNewSpec()
                .addNewContainer()
                .withName("operator")
                .withImage("none.invalid/operator")
                .endContainer()
                .endSpec()
                .build())
        .create();
    world
        .admin()
        .pods()
        .inNamespace(world.cluster().namespace())
        .withName(name)
        .editStatus(
            pod ->
                new PodBuilder(pod)
                    .editOrNewStatus()
                    .withPodIP(address)
                    .addNewPodIP(address)
                    .endStatus()
                    .build());
    Map<String, String> environment = new HashMap<>(more);
    environment.putAll(
        Map.of(
            "KUBECONFIG",
            world.cluster().kubeconfigOf(World.OPERATOR, world.cluster().server()).toString(),
            "CHAPERONE_WEBHOOK_CONFIGURATION",
            "chaperone-pods",
            "CHAPERONE_RECORDINGS_DIRECTORY",
            directory.resolve(name).toString(),
            "CHAPERONE_READING_HOST",
            address,
            "CHAPERONE_READING_PORT",
            Integer.toString(port)));
    return OperatorProgram.start(world.cluster(), name, environment);
  }

  /** The replica that had it is gone with its volume; the other one never had any of it. */
  @Test
  void aRecordingIsReadFromObjectStorageWhenItsReplicaIsGoneWithItsVolume() throws Exception {
    if (ObjectStorage.missing().isPresent()) {
      System.err.println("NOT RUN: reading from object storage: " + ObjectStorage.missing().get());
      Assumptions.abort(ObjectStorage.missing().get());
    }
    Files.createSymbolicLink(
        directory.resolve("kubectl-chaperone"), Path.of("../chaperone").toRealPath());
    String namespace = world.namespace();
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    world.connection(namespace, "orders", 15432);
    int port = freePort();
    List<String> rendered =
        Chart.documents(Chart.template(world.cluster(), READING).out()).toList();
    try (ObjectStorage storage = ObjectStorage.start(directory.resolve("storage"));
        Chart roles = Chart.install(world.cluster(), StoreIT::isForReading, READING);
        Sidecar sidecar = new Sidecar(agent, namespace)) {
      storage.bucket("recordings", false);
      Map<String, String> objects =
          Map.of(
              "CHAPERONE_RECORDINGS_OBJECTS_BUCKET",
              "recordings",
              "CHAPERONE_RECORDINGS_OBJECTS_PREFIX",
              "cluster/",
              "CHAPERONE_RECORDINGS_OBJECTS_ENDPOINT",
              storage.endpoint().toString(),
              "CHAPERONE_RECORDINGS_OBJECTS_PATH_STYLE",
              "true",
              "CHAPERONE_RECORDINGS_OBJECTS_CREDENTIALS_DIRECTORY",
              storage.credentials(directory.resolve("credentials")).toString());
      create(
          "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings",
          the(rendered, "namespace: kube-system"));
      create(
          "/apis/apiregistration.k8s.io/v1/apiservices",
          the(rendered, "kind: APIService\n").replace("8445", Integer.toString(port)));
      serveAt("127.0.0.3");
      allow(namespace, "read", READER, "chaperone-recording-reader");
      OperatorProgram gone = startReading("chaperone-operator-2", "127.0.0.2", port, objects);
      try {
        gone.awaitReady();
        sidecar.connect(gone.channelPort(), authority());
        sidecar.record(500);
        sidecar.conversation.say(new SessionEnded(NAME, false));
        sidecar.session.end("done");
        await()
            .untilAsserted(
                () ->
                    assertThat(gone.get("/metrics").body())
                        .containsPattern("chaperone_objects_uploaded_bytes_total [1-9]")
                        .containsPattern("chaperone_objects_waiting_bytes 0"));
        await()
            .until(
                () -> {
                  try (var files = Files.walk(storage.files("recordings"))) {
                    return files
                        .filter(file -> file.endsWith("manifest.json"))
                        .anyMatch(StoreIT::saysSealed);
                  }
                });
        await()
            .untilAsserted(
                () ->
                    assertThat(status(namespace).recording().events())
                        .isEqualTo(sidecar.session.head().events()));
        assertThat(gone.log()).doesNotContain(ObjectStorage.SECRET_KEY);
      } finally {
        gone.process().destroyForcibly().waitFor();
      }
      assertThat(status(namespace).recording().objects())
          .isEqualTo("s3://recordings/cluster/" + namespace + "/" + agent.uid() + "/" + NAME + "/");
      OperatorProgram other = startReading("chaperone-operator-3", "127.0.0.3", port, objects);
      try {
        other.awaitReady();
        await()
            .untilAsserted(
                () -> {
                  Output verify = chaperone(namespace, "verify", NAME, "--as", READER);
                  assertThat(verify.exit()).as(verify.out() + verify.err()).isZero();
                  assertThat(verify.out())
                      .contains(NAME + ": sealed", "; 0 events stand behind it");
                });
        Output replay = chaperone(namespace, "replay", NAME, "--as", READER);
        assertThat(replay.exit()).as(replay.err()).isZero();
        assertThat(replay.out()).contains("SELECT 0", "SELECT 499", "ended: done");
        storage.close();
        Output away = chaperone(namespace, "replay", NAME, "--as", READER);
        assertThat(away.exit()).isEqualTo(1);
        assertThat(away.err()).contains("object storage");
        assertThat(other.log()).doesNotContain(ObjectStorage.SECRET_KEY);
      } finally {
        other.process().destroyForcibly().waitFor();
      }
    } finally {
      world
          .cluster()
          .api()
          .delete("/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.recordings.chaperone.dev");
      world
          .cluster()
          .api()
          .delete(
              "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings/chaperone-operator-authentication-reader");
    }
  }

  private static boolean saysSealed(Path manifest) {
    try {
      return Files.readString(manifest).contains("\"sealed\" : true");
    } catch (IOException e) {
      return false;
    }
  }

  private static void create(String path, String yaml) {
    Api.Answer answer = world.cluster().api().create(path, yaml);
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  /** The API server goes to that address for the operator's Service: it has no way to pods here. */
  private static void serveAt(String address) {
    world
        .admin()
        .resource(
            new ServiceBuilder()
                .withNewMetadata()
                .withNamespace(world.cluster().namespace())
                .withName("chaperone-operator")
                .endMetadata()
                .withNewSpec()
                .withType("ExternalName")
                .withExternalName(address)
                .endSpec()
                .build())
        .forceConflicts()
        .serverSideApply();
  }

  private static void allow(String namespace, String name, String user, String role) {
    create(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/rolebindings",
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: %s}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}
        subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %s}]
        """
            .formatted(name, role, user));
  }

  private Output chaperone(String namespace, String... command) {
    List<String> whole = new ArrayList<>(List.of("chaperone"));
    whole.addAll(List.of(command));
    return world
        .cluster()
        .kubectlPluginIn(
            namespace, directory, Map.of("CHAPERONE_BUILD", "never"), whole.toArray(String[]::new));
  }

  /** From a gateway's journal to a reader's terminal, through the real API server. */
  @Test
  void recordingsAreReadThroughTheApiServerByThoseWhoMayAndByNobodyElse() throws Exception {
    Files.createSymbolicLink(
        directory.resolve("kubectl-chaperone"), Path.of("../chaperone").toRealPath());
    String namespace = world.namespace();
    World.Agent agent = world.agent(namespace, "agent-0", "orders");
    world.connection(namespace, "orders", 15432);
    int port = freePort();
    List<String> rendered =
        Chart.documents(Chart.template(world.cluster(), READING).out()).toList();
    try (Chart roles = Chart.install(world.cluster(), StoreIT::isForReading, READING);
        Sidecar sidecar = new Sidecar(agent, namespace)) {
      create(
          "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings",
          the(rendered, "namespace: kube-system"));
      create(
          "/apis/apiregistration.k8s.io/v1/apiservices",
          the(rendered, "kind: APIService\n").replace("8445", Integer.toString(port)));
      serveAt("127.0.0.1");
      allow(namespace, "read", READER, "chaperone-recording-reader");
      OperatorProgram first = startReading("chaperone-operator-0", "127.0.0.1", port);
      OperatorProgram second = startReading("chaperone-operator-1", "127.0.0.2", port);
      try {
        first.awaitReady();
        second.awaitReady();
        sidecar.connect(first.channelPort(), authority());
        sidecar.record(500);
        await()
            .untilAsserted(
                () -> assertThat(status(namespace).recording().events()).isGreaterThan(500));
        await()
            .untilAsserted(
                () ->
                    assertThat(world.cluster().api().get(API).body().at("/resources/0/name"))
                        .hasToString("\"recordings\""));
        whoMayReads(namespace);
        whoMayNotIsTold(namespace);
        headersWithoutTheApiServersCertificateAreNothing(namespace, port);
        whoHasTheFrontProxysCertificateAsksForUsersAndWhoHasAnotherOneOfItsAuthorityDoesNot(
            namespace, port);
        aReplicaAsksTheOneThatHasIt(namespace);
        aReplayFollowsTheSession(namespace, sidecar);
        aRecordingThatWasChangedIsBroken(namespace, agent);
        first.process().destroyForcibly().waitFor();
        Output away = chaperone(namespace, "replay", NAME, "--as", READER);
        assertThat(away.exit()).isEqualTo(1);
        assertThat(away.err()).contains("recordings-chaperone-operator-0");
        assertThat(first.log() + second.log())
            .contains("recording asked for user=\"" + READER + "\"", "code=403", "code=401")
            .doesNotContain("PRIVATE KEY");
      } finally {
        first.process().destroyForcibly().waitFor();
        second.process().destroyForcibly().waitFor();
      }
    } finally {
      world
          .cluster()
          .api()
          .delete("/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.recordings.chaperone.dev");
      world
          .cluster()
          .api()
          .delete(
              "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/rolebindings/chaperone-operator-authentication-reader");
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static String the(List<String> documents, String what) {
    return documents.stream().filter(one -> one.contains(what)).findFirst().orElseThrow();
  }

  private void whoMayReads(String namespace) throws Exception {
    Output replay = chaperone(namespace, "replay", NAME, "--as", READER);
    assertThat(replay.exit()).as(replay.err()).isZero();
    assertThat(replay.out()).contains("SELECT 0", "SELECT 499");
    Output verify = chaperone(namespace, "verify", NAME, "--as", READER);
    assertThat(verify.exit()).as(verify.out() + verify.err()).isEqualTo(4);
    assertThat(verify.out()).contains(NAME + ": valid, not sealed", "the store has countersigned");
    Path keys = directory.resolve("store-keys.pem");
    Files.writeString(
        keys,
        world
            .admin()
            .configMaps()
            .inNamespace(world.cluster().namespace())
            .withName("chaperone-store-keys")
            .get()
            .getData()
            .get("keys.pem"));
    verify = chaperone(namespace, "verify", NAME, "--store-key", keys.toString());
    assertThat(verify.exit()).as(verify.out() + verify.err()).isEqualTo(4);
    assertThat(verify.out()).doesNotContain("notice");
    Files.writeString(keys, RecordingKey.generate().publicKey().pem());
    verify = chaperone(namespace, "verify", NAME, "--store-key", keys.toString());
    assertThat(verify.exit()).isEqualTo(1);
    assertThat(verify.out()).contains("BROKEN", "other key");
    try (var left = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      assertThat(left).noneMatch(file -> file.toString().contains("chaperone-recording-"));
    }
  }

  private void whoMayNotIsTold(String namespace) {
    Output nobody = chaperone(namespace, "replay", NAME, "--as", "eve@example.com");
    assertThat(nobody.exit()).isEqualTo(1);
    assertThat(nobody.err()).contains("forbidden", "eve@example.com");
    // What the API server itself asks for is not enough.
    create(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/roles",
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: half}
        rules:
          - {apiGroups: [chaperone.dev], resources: [agentsessions], verbs: [get]}
          - {apiGroups: [recordings.chaperone.dev], resources: ["*"], verbs: ["*"]}
        """);
    create(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/" + namespace + "/rolebindings",
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: half}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: half}
        subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: eve@example.com}]
        """);
    for (String command : List.of("replay", "verify")) {
      Output half = chaperone(namespace, command, NAME, "--as", "eve@example.com");
      assertThat(half.exit()).isEqualTo(1);
      assertThat(half.out()).isEmpty();
      assertThat(half.err())
          .contains("forbidden", "eve@example.com", "agentsessions/recording")
          .hasLineCount(1);
    }
    Output missing = chaperone(namespace, "replay", "no-such-session", "--as", READER);
    assertThat(missing.exit()).isEqualTo(1);
    assertThat(missing.err())
        .contains("not found", "sessionRetention", "may still be on the store's volume")
        .hasLineCount(1);
  }

  private void headersWithoutTheApiServersCertificateAreNothing(String namespace, int port)
      throws Exception {
    TestAuthority other = new TestAuthority();
    for (Optional<ServerIdentity> shown :
        List.of(
            Optional.<ServerIdentity>empty(),
            Optional.of(other.client("front-proxy-client")),
            Optional.of(World.AUTHORITY.client("chaperone-operator")))) {
      HttpClient client =
          HttpClient.newBuilder()
              .version(HttpClient.Version.HTTP_1_1)
              .sslContext(HttpsClients.showing(authority(), shown))
              .build();
      String recording = "/namespaces/" + namespace + "/recordings/" + NAME;
      for (String path :
          List.of(
              API,
              API + recording,
              API + recording + "/files",
              "/replicas/v1" + recording,
              "/replicas/v1" + recording + "/files")) {
        HttpResponse<String> response =
            client.send(
                HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + port + path))
                    .header("X-Remote-User", "admin")
                    .header("X-Remote-Group", "system:masters")
                    .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(response.statusCode()).as(path).isEqualTo(401);
        assertThat(response.body()).contains("\"reason\":\"Unauthorized\"");
      }
    }
  }

  /** As the API server does it, and as somebody does whom its authority knows by another name. */
  private void whoHasTheFrontProxysCertificateAsksForUsersAndWhoHasAnotherOneOfItsAuthorityDoesNot(
      String namespace, int port) throws Exception {
    Path keys = world.cluster().kubeconfig().resolveSibling("front-proxy-ca.key");
    if (!Files.exists(keys)) {
      System.err.println("NOT RUN: the key of the front proxy's authority is not here: " + keys);
      return;
    }
    TestAuthority authority = new TestAuthority(keys.resolveSibling("front-proxy-ca.crt"), keys);
    HttpClient proxy = client(authority.client("front-proxy-client"));
    String recording = API + "/namespaces/" + namespace + "/recordings/" + NAME;
    assertThat(get(client(authority.client("somebody")), port, recording, READER).statusCode())
        .isEqualTo(401);
    assertThat(get(proxy, port, recording, "eve@example.com").statusCode()).isEqualTo(403);
    assertThat(get(proxy, port, recording, READER).body())
        .contains("\"replica\":\"chaperone-operator-0\"", "\"storeKeys\":\"-----BEGIN PUBLIC KEY");
    assertThat(get(proxy, port, recording + "/files?from=1:999999999:0", READER).statusCode())
        .isEqualTo(400);
    assertThat(get(proxy, port, recording + "/../../secrets", READER).statusCode()).isEqualTo(404);
    manyDownloadsAreTooMany(proxy, port, recording + "/files");
  }

  /** Those that wait for more: sixteen have a turn, and the next one is told to come again. */
  private void manyDownloadsAreTooMany(HttpClient proxy, int port, String files) throws Exception {
    String[] end = get(proxy, port, files, READER).body().split(" ", -1);
    String follow = files + "?from=" + end[end.length - 2] + "&follow=true";
    List<CompletableFuture<HttpResponse<String>>> downloads = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      downloads.add(
          proxy.sendAsync(request(port, follow, READER), HttpResponse.BodyHandlers.ofString()));
    }
    List<HttpResponse<String>> answers = new ArrayList<>();
    for (CompletableFuture<HttpResponse<String>> one : downloads) {
      answers.add(one.get(60, TimeUnit.SECONDS));
    }
    assertThat(answers).filteredOn(one -> one.statusCode() == 200).hasSize(16);
    assertThat(answers)
        .filteredOn(one -> one.statusCode() == 429)
        .hasSize(4)
        .allMatch(one -> one.headers().firstValue("Retry-After").isPresent());
  }

  private static HttpClient client(ServerIdentity shown) {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .sslContext(HttpsClients.showing(authority(), Optional.of(shown)))
        .build();
  }

  private static HttpRequest request(int port, String path, String user) {
    return HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + port + path))
        .header("X-Remote-User", user)
        .header("X-Remote-Group", "system:authenticated")
        .build();
  }

  private static HttpResponse<String> get(HttpClient client, int port, String path, String user)
      throws Exception {
    return client.send(request(port, path, user), HttpResponse.BodyHandlers.ofString());
  }

  private void aReplicaAsksTheOneThatHasIt(String namespace) {
    serveAt("127.0.0.2");
    await()
        .untilAsserted(
            () -> {
              Output replay = chaperone(namespace, "replay", NAME, "--as", READER);
              assertThat(replay.exit()).as(replay.err()).isZero();
              assertThat(replay.out()).contains("SELECT 0", "SELECT 499");
            });
    Output verify = chaperone(namespace, "verify", NAME, "--as", READER);
    assertThat(verify.exit()).as(verify.out() + verify.err()).isEqualTo(4);
  }

  private void aReplayFollowsTheSession(String namespace, Sidecar sidecar) throws Exception {
    CompletableFuture<Output> replay =
        CompletableFuture.supplyAsync(
            () -> chaperone(namespace, "replay", NAME, "--follow", "--as", READER));
    sidecar.record(50);
    sidecar.conversation.say(new SessionEnded(NAME, false));
    sidecar.session.end("done");
    Output output = replay.get(120, TimeUnit.SECONDS);
    assertThat(output.exit()).as(output.err()).isZero();
    assertThat(output.out()).contains("SELECT 0", "ended: done");
    await()
        .untilAsserted(
            () -> {
              Output verify = chaperone(namespace, "verify", NAME, "--as", READER);
              assertThat(verify.exit()).as(verify.out() + verify.err()).isZero();
              assertThat(verify.out()).contains(NAME + ": sealed", "; 0 events stand behind it");
            });
  }

  private void aRecordingThatWasChangedIsBroken(String namespace, World.Agent agent)
      throws IOException {
    Path file =
        directory
            .resolve("chaperone-operator-0")
            .resolve(agent.uid())
            .resolve(NAME)
            .resolve("000001.seg");
    byte[] content = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(content, content.length - 300));
    Output verify = chaperone(namespace, "verify", NAME, "--as", READER);
    assertThat(verify.exit()).isEqualTo(1);
    assertThat(verify.out()).contains("BROKEN", "truncated");
    Files.write(file, content);
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
