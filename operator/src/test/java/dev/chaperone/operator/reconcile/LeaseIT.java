package dev.chaperone.operator.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.testing.Relay;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A leader that loses its lease while its process goes on, on a real API server. */
@UsesTestCluster(onThisMachine = true)
@Timeout(300)
class LeaseIT {
  private static final String OLD = "replica-old";
  private static final String NEW = "replica-new";
  private static World world;

  private final List<AutoCloseable> open = new ArrayList<>();
  private String namespace;

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

  @BeforeEach
  void namespace() {
    namespace = world.namespace();
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : open) {
      one.close();
    }
    world.admin().leases().inNamespace(world.cluster().namespace()).delete();
  }

  /** The operator's client, by a way that can be held. */
  private KubernetesClient through(Relay relay) {
    KubernetesClient client =
        new KubernetesClientBuilder()
            .withConfig(
                new ConfigBuilder(
                        world
                            .cluster()
                            .as(world.cluster().serviceAccount(World.OPERATOR))
                            .getConfiguration())
                    .withMasterUrl("https://127.0.0.1:" + relay.port())
                    .build())
            .build();
    open.add(0, client);
    return client;
  }

  private Relay relay() {
    Relay relay = Relay.to(URI.create(world.cluster().server()).getPort());
    open.add(relay);
    return relay;
  }

  private ControlSettings settings(String name) {
    return world.settings(name, Clock.systemUTC());
  }

  private String leader() {
    return lease().getSpec().getHolderIdentity();
  }

  private static Lease lease() {
    return world
        .admin()
        .leases()
        .inNamespace(world.cluster().namespace())
        .withName(ControlSettings.LEASE)
        .get();
  }

  /** Whether the policy's connection is there, by its status. */
  private Condition found() {
    return world
        .admin()
        .resources(AccessPolicy.class)
        .inNamespace(namespace)
        .withName("agents")
        .get()
        .getStatus()
        .conditions()
        .stream()
        .filter(one -> one.type().equals("ConnectionsFound"))
        .findFirst()
        .orElseThrow();
  }

  private void awaitFound(ConditionStatus status, long generation) {
    await().untilAsserted(() -> assertFound(status, generation));
  }

  private void assertFound(ConditionStatus status, long generation) {
    assertThat(found().status()).isEqualTo(status);
    assertThat(found().observedGeneration()).isEqualTo(generation);
  }

  @Test
  void whatTheOldLeaderHasOnItsWayIsNotWrittenOverTheNewOnesWord() throws Exception {
    Relay relay = relay();
    world.connection(namespace, "orders", 15432);
    world.policy(namespace, "agents", "orders", "Allow");
    open.add(0, start(through(relay), settings(OLD)));
    awaitFound(ConditionStatus.TRUE, 1);
    assertThat(leader()).isEqualTo(OLD);
    // It still hears of everything, and what it says is on its way for long.
    relay.hold();
    world.policy(namespace, "agents", "none", "Allow");
    open.add(
        0,
        start(world.cluster().as(world.cluster().serviceAccount(World.OPERATOR)), settings(NEW)));
    await().untilAsserted(() -> assertThat(leader()).isEqualTo(NEW));
    awaitFound(ConditionStatus.FALSE, 2);
    world.policy(namespace, "agents", "orders", "Allow");
    awaitFound(ConditionStatus.TRUE, 3);
    relay.letGo();
    await()
        .during(Duration.ofSeconds(5))
        .untilAsserted(
            () -> {
              assertFound(ConditionStatus.TRUE, 3);
              assertThat(leader()).isEqualTo(NEW);
            });
  }

  @Test
  void nobodyLeadsTwiceWhileTheApiServerIsOutOfReach() throws Exception {
    Relay relay = relay();
    Work old = new Work(() -> false);
    Leadership first = new Leadership(through(relay), settings(OLD), old);
    open.add(0, first);
    first.start();
    await().until(old::leads);
    relay.hold();
    Work next = new Work(old::leads);
    Leadership second =
        new Leadership(
            world.cluster().as(world.cluster().serviceAccount(World.OPERATOR)),
            settings(NEW),
            next);
    open.add(0, second);
    second.start();
    await().until(next::leads);
    assertThat(next.bothLed).hasValue(0);
    assertThat(old.leads()).isFalse();
    relay.letGo();
    await().until(() -> old.ended.get() > 0);
    await().during(Duration.ofSeconds(3)).until(() -> next.leads() && !old.leads());
  }

  @Test
  void whoseLeaseWasTakenLeadsNoMoreAndAgainOnceItIsFree() throws Exception {
    Work work = new Work(() -> false);
    Leadership leadership =
        new Leadership(
            world.cluster().as(world.cluster().serviceAccount(World.OPERATOR)),
            settings(OLD),
            work);
    open.add(0, leadership);
    leadership.start();
    await().until(work::leads);
    ZonedDateTime taken = ZonedDateTime.now(ZoneOffset.UTC);
    await()
        .until(
            () -> {
              Lease lease = lease();
              lease.getSpec().setHolderIdentity("somebody else");
              lease.getSpec().setRenewTime(taken);
              world.admin().resource(lease).update();
              return true;
            });
    await().until(() -> !work.leads());
    assertThat(work.ended.get()).isPositive();
    await().until(work::leads);
    assertThat(ZonedDateTime.now(ZoneOffset.UTC)).isAfter(taken.plus(settings(OLD).lease()));
  }

  /** Work that says whether it may be done, and looks at whether somebody else may do it too. */
  private static final class Work implements Leadership.Work {
    private final BooleanSupplier other;
    private final AtomicInteger bothLed = new AtomicInteger();
    private final AtomicInteger ended = new AtomicInteger();
    private volatile BooleanSupplier lease = () -> false;

    Work(BooleanSupplier other) {
      this.other = other;
    }

    boolean leads() {
      return lease.getAsBoolean();
    }

    @Override
    public void begin(BooleanSupplier leads) {
      lease = leads;
      if (other.getAsBoolean()) {
        bothLed.incrementAndGet();
      }
    }

    @Override
    public void end() {
      ended.incrementAndGet();
    }
  }

  private static ControlLoop start(KubernetesClient client, ControlSettings settings) {
    return ControlLoop.start(client, settings, Optional.empty(), new SimpleMeterRegistry());
  }
}
