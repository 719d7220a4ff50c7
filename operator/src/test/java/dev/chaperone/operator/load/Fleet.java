package dev.chaperone.operator.load;

import dev.chaperone.sidecar.control.OperatorAddress;
import dev.chaperone.sidecar.control.OperatorListener;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Many agents' pods and the sidecars of each, in this JVM. */
final class Fleet implements AutoCloseable {
  /** The event loops of a few gateways carry them all. */
  private static final int PROCESSORS = 4;

  private static final int CLIENTS = 16;

  /** How many have a recording that is not stored yet. */
  private static final int SHIPPING = 16;

  private final LoadCluster cluster;
  private final String namespace;
  private final GatewayThreads threads = new GatewayThreads(PROCESSORS);
  private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
  private final List<SimulatedSidecar> sidecars = new ArrayList<>();
  private final List<ShippedRecording> recordings = new ArrayList<>();
  private ScheduledFuture<?> work;

  Fleet(LoadCluster cluster, String namespace) {
    this.cluster = cluster;
    this.namespace = namespace;
  }

  List<SimulatedSidecar> sidecars() {
    return sidecars;
  }

  /** Of some of them; none is being shipped yet. */
  List<ShippedRecording> recordings() {
    return recordings;
  }

  /**
   * Makes pods at a steady rate, whether or not the API server keeps up.
   *
   * @param refused counts those that were told to come again, and did
   * @return how long each took, in nanoseconds, from when it was due
   */
  static List<Long> create(
      LoadCluster cluster, int perSecond, List<Pod> pods, AtomicInteger refused)
      throws IOException, InterruptedException {
    ConcurrentLinkedQueue<Long> times = new ConcurrentLinkedQueue<>();
    AtomicReference<RuntimeException> failure = new AtomicReference<>();
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    try {
      CountDownLatch done = new CountDownLatch(pods.size());
      long begin = System.nanoTime();
      for (int i = 0; i < pods.size(); i++) {
        Pod pod = pods.get(i);
        long due = begin + i * (TimeUnit.SECONDS.toNanos(1) / perSecond);
        TimeUnit.NANOSECONDS.sleep(due - System.nanoTime());
        clients.execute(
            () -> {
              try {
                while (!isMade(cluster, pod)) {
                  refused.incrementAndGet();
                }
                times.add(System.nanoTime() - due);
              } catch (RuntimeException e) {
                failure.set(e);
              } finally {
                done.countDown();
              }
            });
      }
      if (!done.await(LoadCluster.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new IOException("not all pods were made");
      }
      if (failure.get() != null) {
        throw failure.get();
      }
      return List.copyOf(times);
    } finally {
      clients.shutdownNow();
    }
  }

  /** False where the operator was too busy to say anything but no. */
  private static boolean isMade(LoadCluster cluster, Pod pod) {
    try {
      cluster.admin().resource(pod).create();
      return true;
    } catch (KubernetesClientException e) {
      if (String.valueOf(e.getMessage()).contains("try again")) {
        return false;
      }
      throw e;
    }
  }

  /**
   * Gives each pod of the namespace a sidecar. None connects yet.
   *
   * @param recordingBytes how long the recordings of some of them are
   */
  void man(long recordingBytes) throws IOException, InterruptedException, NoSuchAlgorithmException {
    Path authorities = cluster.authorities();
    Path tokens = Files.createTempDirectory(Path.of("target"), "tokens");
    KeyPairGenerator keys = KeyPairGenerator.getInstance("Ed25519");
    for (Pod pod : cluster.admin().pods().inNamespace(namespace).list().getItems()) {
      Path token =
          Files.writeString(tokens.resolve(pod.getMetadata().getName()), token(pod))
              .toAbsolutePath();
      sidecars.add(
          new SimulatedSidecar(
              pod,
              new OperatorAddress(
                  "127.0.0.1",
                  cluster.channelPort(),
                  authorities,
                  token,
                  pod.getMetadata().getUid()),
              keys.generateKeyPair(),
              threads.traffic().next(),
              threads.waiting(),
              recorded(pod, recordingBytes)));
    }
  }

  private List<OperatorListener> recorded(Pod pod, long bytes)
      throws IOException, InterruptedException {
    if (recordings.size() == SHIPPING) {
      return List.of();
    }
    Path directory = Files.createTempDirectory(Path.of("target"), "shipped").toAbsolutePath();
    ShippedRecording recording = new ShippedRecording(directory, pod);
    recordings.add(recording);
    recording.record(pod, bytes);
    return recording.listeners();
  }

  /** A token of the pod for the operator; the administrator stands in for a kubelet. */
  private String token(Pod pod) {
    return cluster
        .admin()
        .serviceAccounts()
        .inNamespace(namespace)
        .withName(LoadCluster.AGENT)
        .tokenRequest(
            new TokenRequestBuilder()
                .withNewSpec()
                .withAudiences("chaperone")
                .withNewBoundObjectRef(
                    "v1", "Pod", pod.getMetadata().getName(), pod.getMetadata().getUid())
                .endSpec()
                .build())
        .getStatus()
        .getToken();
  }

  void connect() {
    sidecars.forEach(SimulatedSidecar::start);
  }

  /** Has each sidecar do one operation a second and say so, as one with steady traffic does. */
  void work() {
    work =
        clock.scheduleAtFixedRate(
            () -> sidecars.forEach(SimulatedSidecar::work), 0, 1, TimeUnit.SECONDS);
  }

  void rest() {
    work.cancel(false);
  }

  /** Waits until every sidecar was told what to enforce after that moment. */
  void awaitConfigured(long since) throws IOException, InterruptedException {
    LoadCluster.await(
        "every sidecar is configured",
        () -> sidecars.stream().allMatch(one -> one.configuredAt() > since));
  }

  /**
   * Waits until all have heard something.
   *
   * @param when asks one for the time
   * @return how long after that moment each has heard it, in nanoseconds
   */
  static List<Long> awaitHeard(
      String what,
      long since,
      List<SimulatedSidecar> sidecars,
      Function<SimulatedSidecar, Optional<Long>> when)
      throws IOException, InterruptedException {
    LoadCluster.await(what, () -> sidecars.stream().allMatch(one -> when.apply(one).isPresent()));
    return sidecars.stream().map(one -> when.apply(one).orElseThrow() - since).toList();
  }

  /** The pods of so many agents. */
  static List<Pod> pods(String namespace, String account, int count) {
    return IntStream.range(0, count)
        .mapToObj(i -> LoadCluster.pod(namespace, "agent-" + i, account))
        .toList();
  }

  @Override
  public void close() throws IOException {
    clock.shutdownNow();
    sidecars.forEach(SimulatedSidecar::close);
    for (ShippedRecording recording : recordings) {
      recording.close();
    }
    threads.close();
  }
}
