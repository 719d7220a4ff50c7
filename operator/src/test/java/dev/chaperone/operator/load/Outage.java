package dev.chaperone.operator.load;

import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequest;
import dev.chaperone.operator.testing.OperatorProgram;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A replica that is killed with all sidecars connected to it, while requests are open and decided
 * and sessions go on. All come back to the other; nothing that was said is lost and nobody's
 * decision is counted twice.
 */
final class Outage {
  private static final int REQUESTS = 20;
  private static final String BEFORE = "ann@example.com";

  private final LoadCluster cluster;
  private final Figures figures;
  private final Fleet fleet;
  private final String namespace;

  Outage(LoadCluster cluster, Figures figures, Fleet fleet, String namespace) {
    this.cluster = cluster;
    this.figures = figures;
    this.fleet = fleet;
    this.namespace = namespace;
  }

  /**
   * Kills one.
   *
   * @param leader where all sidecars are, and which leads
   * @param other where they go
   * @param bound within how many seconds all have to be back
   */
  void run(OperatorProgram leader, OperatorProgram other, double bound)
      throws IOException, InterruptedException {
    List<SimulatedSidecar> asking =
        fleet.sidecars().subList(0, Math.min(REQUESTS, fleet.sidecars().size()));
    for (int i = 0; i < asking.size(); i++) {
      asking.get(i).ask(name(i));
    }
    LoadCluster.await(
        "all requests are shown",
        () -> IntStream.range(0, asking.size()).allMatch(i -> request(i) != null));
    // Some are decided just before, some while nobody is there to see it.
    for (int i = 0; i < asking.size() / 2; i++) {
      cluster.decide(namespace, name(i), BEFORE);
    }
    long killed = System.nanoTime();
    leader.kill();
    cluster.serve(other);
    for (int i = asking.size() / 2; i < asking.size(); i++) {
      cluster.decide(namespace, name(i), BEFORE);
    }
    fleet.awaitConfigured(killed);
    List<Long> back = fleet.sidecars().stream().map(one -> one.configuredAt() - killed).toList();
    Percentiles times = Percentiles.ofNanos(back);
    figures.times("replica killed to a sidecar that is configured again", times);
    figures.atMost(
        "replica killed to all " + fleet.sidecars().size() + " sidecars configured again",
        times.max() / 1_000,
        "s",
        bound);
    for (int i = 0; i < asking.size(); i++) {
      String name = name(i);
      Fleet.awaitHeard(
          name + " is decided",
          killed,
          List.of(asking.get(i)),
          one -> one.heardAt("decision " + name + " by " + BEFORE));
    }
    int twice = 0;
    for (int i = 0; i < asking.size(); i++) {
      ApprovalRequest request = request(i);
      if (request.getStatus().decisions().size() != 1
          || request.getStatus().phase() != ApprovalPhase.PENDING) {
        twice++;
      }
    }
    figures.atMost("requests whose decision is not observed exactly once", twice, "", 0);
    long reported = System.nanoTime();
    Map<String, Long> operations =
        fleet.sidecars().stream()
            .collect(Collectors.toMap(SimulatedSidecar::session, SimulatedSidecar::operations));
    LoadCluster.await("every session says what its sidecar does", () -> areKept(operations));
    figures.add(
        "then until every session's status is what its sidecar says",
        (System.nanoTime() - reported) / 1e9,
        "s");
    LoadCluster.await(
        "the other leads",
        () ->
            cluster
                .admin()
                .leases()
                .inNamespace(cluster.cluster().namespace())
                .withName("chaperone-operator")
                .get()
                .getSpec()
                .getHolderIdentity()
                .equals("operator-1"));
    figures.add("replica killed to another that leads", (System.nanoTime() - killed) / 1e9, "s");
  }

  private boolean areKept(Map<String, Long> operations) {
    Map<String, AgentSession> sessions = OperatorLoad.sessions(cluster, namespace);
    return operations.entrySet().stream()
        .allMatch(
            one -> {
              AgentSession session = sessions.get(one.getKey());
              return session != null
                  && session.getStatus().operations().allowed() >= one.getValue();
            });
  }

  private static String name(int i) {
    return "outage-" + i;
  }

  private ApprovalRequest request(int i) {
    return cluster
        .admin()
        .resources(ApprovalRequest.class)
        .inNamespace(namespace)
        .withName(name(i))
        .get();
  }
}
