package dev.chaperone.operator.load;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.ApprovalRequest;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.OperatorProgram;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The measurements, in an order in which each leaves to the next what that needs. */
final class OperatorLoad {
  private static final String AGENTS = "agents";
  private static final int PODS_PER_SECOND = 20;
  private static final int WARM_UP_PODS = 100;
  private static final int IDLE_SECONDS = 30;
  private static final int REPORTING_SECONDS = 60;
  private static final int EDITS = 10;
  private static final int REVOKED = 50;
  private static final int APPROVALS = 50;
  private static final long RECORDING_BYTES = 32 << 20;

  /** What the webhook may cost, and what people may wait for. */
  private static final double WEBHOOK_MILLIS = 100;

  private static final double CHANGE_MILLIS = 1_000;
  private static final double REVOKE_MILLIS = 1_000;
  private static final double APPROVAL_MILLIS = 1_000;
  private static final double BACK_SECONDS = 30;
  private static final double WRITES_PER_MINUTE = 12.5;
  private static final double RECONCILE_SECONDS = 60;

  /** How far below the limit of the container, in MiB. */
  private static final int SPARE_MEBIBYTES = 32;

  private final LoadCluster cluster;
  private final Figures figures;
  private final int count;
  private final int resources;
  private final double mebibytes;

  /**
   * @param count how many sidecars
   * @param memoryLimit of each replica, in MiB
   * @param resources how many connections, and as many policies, are reconciled
   */
  OperatorLoad(LoadCluster cluster, Figures figures, int count, int memoryLimit, int resources) {
    this.mebibytes = memoryLimit - SPARE_MEBIBYTES;
    this.cluster = cluster;
    this.figures = figures;
    this.count = count;
    this.resources = resources;
  }

  void run() throws Exception {
    OperatorProgram operator = cluster.replica("operator-0");
    cluster.serve(operator);
    cluster.installWebhooks();
    use(operator, "without sidecars", IDLE_SECONDS);
    String namespace = cluster.namespace(AGENTS);
    cluster.policy(namespace, LoadCluster.POLICY, LoadCluster.CONNECTION, "before");
    cluster.connection(namespace, LoadCluster.CONNECTION, "support", 15_432, 300);
    LoadCluster.await("the namespace is guarded", () -> isGuarded(namespace));
    pods(operator, namespace);
    try (Fleet fleet = new Fleet(cluster, namespace)) {
      fleet.man(RECORDING_BYTES);
      long begin = System.nanoTime();
      fleet.connect();
      fleet.awaitConfigured(begin);
      figures.atMost(
          count + " sidecars at once: to the last one configured",
          seconds(begin, System.nanoTime()),
          "s",
          BACK_SECONDS);
      use(operator, count + " idle sidecars", IDLE_SECONDS);
      reporting(operator, fleet);
      policies(namespace, fleet);
      connections(namespace, fleet);
      approvals(namespace, fleet);
      recordings(operator, fleet);
      revocations(namespace, fleet);
      OperatorProgram second = cluster.replica("operator-1");
      new Outage(cluster, figures, fleet, namespace).run(operator, second, BACK_SECONDS);
      many(second);
    }
  }

  private static double seconds(long from, long to) {
    return (to - from) / 1e9;
  }

  private boolean isGuarded(String namespace) {
    return "true"
        .equals(
            cluster
                .admin()
                .namespaces()
                .withName(namespace)
                .get()
                .getMetadata()
                .getLabels()
                .get("chaperone.dev/guarded"));
  }

  /** What the operator takes of the machine over a while. */
  private void use(OperatorProgram operator, String when, int seconds)
      throws IOException, InterruptedException {
    double before = operator.cpuSeconds();
    long from = System.nanoTime();
    TimeUnit.SECONDS.sleep(seconds);
    double cpu = (operator.cpuSeconds() - before) / seconds(from, System.nanoTime());
    figures.atMost("operator, " + when + ": RSS", operator.rssMebibytes(), "MiB", mebibytes);
    figures.add("operator, " + when + ": CPU", cpu * 1_000, "m");
  }

  /** Pods with a gateway put in, and the same pods where nobody is asked. */
  private void pods(OperatorProgram operator, String namespace)
      throws IOException, InterruptedException {
    // The webhook's first calls are spent compiling it; these pods are none of ours.
    List<Pod> first =
        Fleet.pods(namespace, LoadCluster.AGENT, WARM_UP_PODS).stream()
            .peek(pod -> pod.getMetadata().setName("warm-up-" + pod.getMetadata().getName()))
            .toList();
    AtomicInteger refused = new AtomicInteger();
    Fleet.create(cluster, PODS_PER_SECOND, first, refused);
    refused.set(0);
    cluster.admin().resourceList(List.copyOf(first)).withGracePeriod(0).delete();
    double before = operator.cpuSeconds();
    Percentiles with =
        Percentiles.ofNanos(
            Fleet.create(
                cluster,
                PODS_PER_SECOND,
                Fleet.pods(namespace, LoadCluster.AGENT, count),
                refused));
    figures.add(
        "operator, CPU time of a pod", (operator.cpuSeconds() - before) * 1_000 / count, "ms");
    Percentiles without =
        Percentiles.ofNanos(
            Fleet.create(
                cluster, PODS_PER_SECOND, Fleet.pods("kube-public", "default", count), refused));
    figures.times("pod made at 20/s, nobody asked", without);
    figures.times("pod made at 20/s, gateway put in and checked", with);
    figures.add("what the webhooks add, p50", with.p50() - without.p50(), "ms");
    figures.atMost("pods that were told to come again", refused.get(), "", 0);
    figures.atMost("what the webhooks add, p99", with.p99() - without.p99(), "ms", WEBHOOK_MILLIS);
    cluster.admin().pods().inNamespace("kube-public").withGracePeriod(0).delete();
    LoadCluster.await(
        "the pods of the warm-up are gone",
        () -> cluster.admin().pods().inNamespace(namespace).list().getItems().size() == count);
  }

  /** From here on all sidecars work. */
  private void reporting(OperatorProgram operator, Fleet fleet)
      throws IOException, InterruptedException {
    fleet.work();
    TimeUnit.SECONDS.sleep(IDLE_SECONDS);
    EtcdWrites before = EtcdWrites.now(cluster.cluster());
    long from = System.nanoTime();
    use(operator, count + " reporting sidecars", REPORTING_SECONDS);
    EtcdWrites after = EtcdWrites.now(cluster.cluster());
    double minutes = seconds(from, System.nanoTime()) / 60;
    figures.atMost(
        "etcd writes of sessions, per session and minute",
        after.since(before, "agentsessions") / minutes / count,
        "",
        WRITES_PER_MINUTE);
    for (String resource : Set.of("configmaps", "agentconnections", "accesspolicies")) {
      figures.add(
          "etcd writes of " + resource + ", per minute",
          after.since(before, resource) / minutes,
          "");
    }
  }

  private void policies(String namespace, Fleet fleet) throws IOException, InterruptedException {
    List<Long> times = new ArrayList<>();
    for (int i = 0; i < EDITS; i++) {
      long from = System.nanoTime();
      AccessPolicy policy =
          cluster.policy(namespace, LoadCluster.POLICY, LoadCluster.CONNECTION, "edit " + i);
      times.addAll(
          heard(
              fleet,
              "AccessPolicy",
              LoadCluster.POLICY,
              policy.getMetadata().getGeneration(),
              from));
    }
    figures.times(
        "edit of a policy to each of " + count + " sidecars",
        Percentiles.ofNanos(times),
        CHANGE_MILLIS);
  }

  private void connections(String namespace, Fleet fleet) throws IOException, InterruptedException {
    List<Long> times = new ArrayList<>();
    for (int i = 0; i < EDITS; i++) {
      long from = System.nanoTime();
      AgentConnection connection =
          cluster.connection(namespace, LoadCluster.CONNECTION, "support", 15_432, 301 + i);
      times.addAll(
          heard(
              fleet,
              "AgentConnection",
              LoadCluster.CONNECTION,
              connection.getMetadata().getGeneration(),
              from));
    }
    figures.times(
        "edit of a connection to each of " + count + " sidecars",
        Percentiles.ofNanos(times),
        CHANGE_MILLIS);
  }

  private static List<Long> heard(
      Fleet fleet, String kind, String name, long generation, long since)
      throws IOException, InterruptedException {
    String what = SimulatedSidecar.resource(kind, name, generation);
    List<Long> times =
        Fleet.awaitHeard(
            what + " is heard", since, fleet.sidecars(), sidecar -> sidecar.heardAt(what));
    // The next edit is a change of its own, and no part of this one.
    TimeUnit.MILLISECONDS.sleep(500);
    return times;
  }

  /** Recordings that wait are stored as fast as it goes, while all sidecars report. */
  private void recordings(OperatorProgram operator, Fleet fleet)
      throws IOException, InterruptedException {
    double mebibytes = 0;
    for (ShippedRecording recording : fleet.recordings()) {
      mebibytes += recording.bytes() / (double) (1 << 20);
    }
    double before = operator.cpuSeconds();
    long from = System.nanoTime();
    fleet.recordings().forEach(ShippedRecording::ship);
    for (ShippedRecording recording : fleet.recordings()) {
      LoadCluster.await("a recording is stored", recording::isStored);
    }
    figures.add(
        "recordings of " + fleet.recordings().size() + " sidecars at once: stored",
        mebibytes / seconds(from, System.nanoTime()),
        "MiB/s");
    figures.add(
        "operator, CPU time of a MiB stored",
        (operator.cpuSeconds() - before) * 1_000 / mebibytes,
        "ms");
  }

  private void revocations(String namespace, Fleet fleet) throws IOException, InterruptedException {
    List<Long> times = new ArrayList<>();
    for (SimulatedSidecar sidecar :
        fleet.sidecars().subList(0, Math.min(REVOKED, fleet.sidecars().size()))) {
      String session = sidecar.session();
      long from = System.nanoTime();
      Api.Answer revoked =
          cluster
              .cluster()
              .api()
              .patch(
                  "/apis/chaperone.dev/v1alpha1/namespaces/"
                      + namespace
                      + "/agentsessions/"
                      + session,
                  Api.MERGE_PATCH,
                  "{\"spec\":{\"revoked\":true}}");
      if (!revoked.accepted()) {
        throw new IOException(revoked.toString());
      }
      times.addAll(
          Fleet.awaitHeard(
              session + " is told of its end",
              from,
              List.of(sidecar),
              one -> one.heardAt("revoke " + session)));
    }
    figures.times("revoke to told to the sidecar", Percentiles.ofNanos(times), REVOKE_MILLIS);
  }

  private void approvals(String namespace, Fleet fleet) throws IOException, InterruptedException {
    Map<String, Long> shown = new ConcurrentHashMap<>();
    List<Long> toShown = new ArrayList<>();
    List<Long> toTold = new ArrayList<>();
    List<Long> whole = new ArrayList<>();
    try (Watch watch =
        cluster
            .admin()
            .resources(ApprovalRequest.class)
            .inNamespace(namespace)
            .watch(new Arrivals(shown))) {
      for (int i = 0; i < APPROVALS; i++) {
        SimulatedSidecar sidecar = fleet.sidecars().get(i % fleet.sidecars().size());
        String name = "request-" + i;
        long asked = System.nanoTime();
        sidecar.ask(name);
        LoadCluster.await(name + " is shown", () -> shown.containsKey(name));
        long decided = System.nanoTime();
        cluster.decide(namespace, name, "jane@example.com");
        long told =
            Fleet.awaitHeard(
                    name + " is decided",
                    decided,
                    List.of(sidecar),
                    one -> one.heardAt("decision " + name))
                .get(0);
        toShown.add(shown.get(name) - asked);
        toTold.add(told);
        whole.add(shown.get(name) - asked + told);
      }
    }
    figures.times("request to be seen by approvers", Percentiles.ofNanos(toShown));
    figures.times("approval to told to the sidecar", Percentiles.ofNanos(toTold));
    figures.times(
        "approval round trip without the person", Percentiles.ofNanos(whole), APPROVAL_MILLIS);
  }

  /** When requests are seen first. */
  private record Arrivals(Map<String, Long> shown) implements Watcher<ApprovalRequest> {
    @Override
    public void eventReceived(Action action, ApprovalRequest request) {
      shown.putIfAbsent(request.getMetadata().getName(), System.nanoTime());
    }

    @Override
    public void onClose(WatcherException cause) {
      System.err.println("the watch has ended: " + cause.getMessage());
    }
  }

  /** Many connections and policies in one namespace, beside the sidecars that there are. */
  private void many(OperatorProgram operator) throws IOException, InterruptedException {
    String namespace = cluster.namespace("many");
    double before = operator.cpuSeconds();
    long from = System.nanoTime();
    IntStream.range(0, resources)
        .parallel()
        .forEach(
            i -> {
              String name = "orders-" + i;
              cluster.connection(namespace, name, "app-" + i, 10_000 + i % 50_000, 300);
              cluster.policy(namespace, "agents-" + i, name, "no");
            });
    figures.add(
        resources + " connections and policies: applied", seconds(from, System.nanoTime()), "s");
    long applied = System.nanoTime();
    LoadCluster.await("all are accepted", () -> accepted(namespace));
    figures.atMost(
        "from the last one applied until all are accepted",
        seconds(applied, System.nanoTime()),
        "s",
        RECONCILE_SECONDS);
    figures.add("operator, CPU time of that", operator.cpuSeconds() - before, "s");
    figures.atMost("operator, with all of these: RSS", operator.rssMebibytes(), "MiB", mebibytes);
    use(operator, "with all of these", IDLE_SECONDS);
    figures.add("operator, highest RSS ever", operator.peakMebibytes(), "MiB");
  }

  private boolean accepted(String namespace) {
    List<AgentConnection> connections =
        cluster.admin().resources(AgentConnection.class).inNamespace(namespace).list().getItems();
    List<AccessPolicy> policies =
        cluster.admin().resources(AccessPolicy.class).inNamespace(namespace).list().getItems();
    return connections.size() == resources
        && policies.size() == resources
        && connections.stream()
            .allMatch(one -> one.getStatus() != null && isAccepted(one.getStatus().conditions()))
        && policies.stream()
            .allMatch(one -> one.getStatus() != null && isAccepted(one.getStatus().conditions()));
  }

  private static boolean isAccepted(List<Condition> conditions) {
    return conditions.stream()
        .anyMatch(one -> one.type().equals("Accepted") && one.status() == ConditionStatus.TRUE);
  }

  /** The sessions of a namespace, by name. */
  static Map<String, AgentSession> sessions(LoadCluster cluster, String namespace) {
    return cluster
        .admin()
        .resources(AgentSession.class)
        .inNamespace(namespace)
        .list()
        .getItems()
        .stream()
        .collect(Collectors.toMap(one -> one.getMetadata().getName(), one -> one));
  }
}
