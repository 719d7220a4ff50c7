package dev.chaperone.operator.distribution;

import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.List;
import java.util.Optional;
import java.util.function.BiPredicate;

/**
 * What agents did, counted by connection, as far as the gateways that talk to this replica have
 * said it: gateways themselves have no port that could be asked. The sum over all replicas is what
 * was done since they were started.
 *
 * <p>What sidecars say is not believed blindly: a connection that does not exist is not counted, so
 * that nobody makes up names, and no count goes back.
 */
final class AgentMetrics {
  private static final String OPERATIONS = "chaperone.agent.operations";
  private static final String MASKED = "chaperone.agent.masked.values";
  private static final String ROWS = "chaperone.agent.rows";

  private final MeterRegistry registry;
  private final BiPredicate<String, String> connections;

  /**
   * What a session did so far.
   *
   * @param maskedValues values that came masked
   * @param rows rows that were sent to the agent
   */
  record Done(long allowed, long denied, long approved, long maskedValues, long rows) {
    static final Done NOTHING = new Done(0, 0, 0, 0, 0);

    static Done of(SessionProgress progress) {
      return of(progress.operations(), progress.maskedValues(), progress.rows());
    }

    static Done of(OperationCounts operations, Long maskedValues, Long rows) {
      return new Done(
          operations == null ? 0 : zeroForNull(operations.allowed()),
          operations == null ? 0 : zeroForNull(operations.denied()),
          operations == null ? 0 : zeroForNull(operations.approved()),
          zeroForNull(maskedValues),
          zeroForNull(rows));
    }

    private static long zeroForNull(Long value) {
      return Optional.ofNullable(value).orElse(0L);
    }
  }

  /**
   * @param connections whether there is a connection, by namespace and name
   */
  AgentMetrics(MeterRegistry registry, BiPredicate<String, String> connections) {
    this.registry = registry;
    this.connections = connections;
  }

  /** A session of this connection has gone on. */
  void progressed(String namespace, String connection, Done before, Done now) {
    if (!connections.test(namespace, connection)) {
      return;
    }
    Tags tags = tags(namespace, connection);
    String operations = "Operations of agents, by what was decided";
    more(OPERATIONS, operations, tags.and("decision", "allowed"), before.allowed(), now.allowed());
    more(OPERATIONS, operations, tags.and("decision", "denied"), before.denied(), now.denied());
    more(
        OPERATIONS,
        operations,
        tags.and("decision", "approved"),
        before.approved(),
        now.approved());
    more(MASKED, "Values that agents got masked", tags, before.maskedValues(), now.maskedValues());
    more(ROWS, "Rows that agents got", tags, before.rows(), now.rows());
  }

  private void more(String name, String description, Tags tags, long before, long now) {
    Counter counter = Counter.builder(name).description(description).tags(tags).register(registry);
    if (now > before) {
      counter.increment((double) (now - before));
    }
  }

  private static Tags tags(String namespace, String connection) {
    return Tags.of("namespace", namespace, "connection", connection);
  }

  /** A connection is gone, and what was counted of it. */
  void forget(String namespace, String connection) {
    for (String name : List.of(OPERATIONS, MASKED, ROWS)) {
      registry.find(name).tags(tags(namespace, connection)).meters().forEach(registry::remove);
    }
  }
}
