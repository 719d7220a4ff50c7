package dev.chaperone.sidecar.gateway;

import dev.chaperone.control.translation.Configuration;
import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.sidecar.gateway.ClientConnection.CloseReason;
import dev.chaperone.sidecar.journal.Journal;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The gateway: serves each AgentConnection of the configuration in force, and replaces that
 * configuration as a whole or not at all.
 */
public final class Gateway implements AutoCloseable {

  /** Makes the server for a connection in its protocol. */
  public interface ProtocolServers {
    ProtocolServer create(GuardedConnection connection, GatewayThreads threads);
  }

  /**
   * One connection while it is served.
   *
   * @param addresses where it listens, for people to read
   */
  public record Served(GuardedConnection connection, List<String> addresses) {}

  private record Running(
      GuardedConnection connection, ProtocolServer server, LoopbackListener listener) {}

  private final GatewayThreads threads;
  private final MeterRegistry registry;
  private final Journal journal;
  private final SessionListener sessions;
  private final ProtocolServers protocols;
  private final boolean freePorts;
  private final Lease lease;
  private Map<String, Running> running = new LinkedHashMap<>();

  /**
   * Serves nothing yet.
   *
   * @param journal records the sessions
   * @param sessions told of what becomes of them
   * @param freePorts whether any free port will do in place of {@code listen.port}
   */
  public Gateway(
      GatewayThreads threads,
      MeterRegistry registry,
      Journal journal,
      SessionListener sessions,
      ProtocolServers protocols,
      boolean freePorts) {
    this(threads, registry, journal, sessions, protocols, freePorts, Lease.UNLIMITED);
  }

  /**
   * Serves nothing yet.
   *
   * @param lease whether what is in force may still be enforced
   */
  public Gateway(
      GatewayThreads threads,
      MeterRegistry registry,
      Journal journal,
      SessionListener sessions,
      ProtocolServers protocols,
      boolean freePorts,
      Lease lease) {
    this.threads = threads;
    this.registry = registry;
    this.journal = journal;
    this.sessions = sessions;
    this.protocols = protocols;
    this.freePorts = freePorts;
    this.lease = lease;
  }

  /**
   * Puts a configuration in force. Open client connections are decided by it from their next
   * operation on; those of connections that are gone, suspended or lead elsewhere are closed.
   *
   * @throws IOException when a port cannot be listened on; then nothing was changed
   */
  public synchronized void apply(Configuration configuration) throws IOException {
    Map<String, Running> next = new LinkedHashMap<>();
    List<Running> started = new ArrayList<>();
    List<Runnable> changes = new ArrayList<>();
    try {
      for (ConnectionConfiguration connection : configuration.connections()) {
        Ruling ruling = new Ruling(connection, configuration.policies());
        Running known = running.get(connection.name());
        if (known != null && listensAlike(known, connection)) {
          changes.add(() -> apply(known, ruling));
          next.put(connection.name(), known);
        } else {
          Running fresh = start(ruling);
          started.add(fresh);
          next.put(connection.name(), fresh);
        }
      }
    } catch (IOException e) {
      started.forEach(Gateway::abandon);
      throw e;
    }
    changes.forEach(Runnable::run);
    started.forEach(fresh -> fresh.server().prepare());
    running.values().stream()
        .filter(old -> !next.containsValue(old))
        .forEach(
            old -> {
              old.listener().close();
              old.connection().closeClients(CloseReason.REMOVED);
              old.server().close();
              old.connection().end(CloseReason.REMOVED);
            });
    running = next;
  }

  private static void apply(Running known, Ruling ruling) {
    Ruling before = known.connection().ruling();
    known.connection().apply(ruling);
    if (!ruling.masks().equals(before.masks())
        || !ruling.connection().hasTargetOf(before.connection())) {
      // What the masks name in the target is looked up before a client asks.
      known.server().prepare();
    }
  }

  /** What is served now. */
  public synchronized List<Served> served() {
    return running.values().stream()
        .map(r -> new Served(r.connection(), r.listener().addresses()))
        .toList();
  }

  /**
   * Takes no new clients and waits for those that are busy.
   *
   * @param deadline after which they are closed all the same
   * @return whether all ended by themselves
   */
  public boolean drain(Duration deadline) throws InterruptedException {
    List<Running> all;
    synchronized (this) {
      all = List.copyOf(running.values());
    }
    all.forEach(r -> r.listener().close());
    all.forEach(r -> r.connection().drain(CloseReason.SHUTDOWN));
    long end = System.nanoTime() + deadline.toNanos();
    while (clients(all) > 0 && System.nanoTime() < end) {
      Thread.sleep(20);
    }
    boolean drained = clients(all) == 0;
    if (!drained) {
      all.forEach(r -> r.connection().closeClients(CloseReason.SHUTDOWN));
      long forced = System.nanoTime() + Duration.ofSeconds(2).toNanos();
      while (clients(all) > 0 && System.nanoTime() < forced) {
        Thread.sleep(20);
      }
    }
    return drained;
  }

  private static int clients(List<Running> all) {
    return all.stream().mapToInt(r -> r.connection().clientCount()).sum();
  }

  private static boolean listensAlike(Running known, ConnectionConfiguration connection) {
    return known.connection().ruling().connection().listenPort() == connection.listenPort();
  }

  private Running start(Ruling ruling) throws IOException {
    GuardedConnection connection =
        new GuardedConnection(ruling, journal, sessions, registry, lease);
    ProtocolServer server = protocols.create(connection, threads);
    try {
      LoopbackListener listener =
          LoopbackListener.bind(
              threads.traffic(), freePorts ? 0 : ruling.connection().listenPort(), server::accept);
      return new Running(connection, server, listener);
    } catch (IOException e) {
      server.close();
      connection.end(CloseReason.REMOVED);
      throw new IOException("connection " + connection.name() + ": " + e.getMessage(), e);
    }
  }

  private static void abandon(Running started) {
    stop(started);
    started.connection().end(CloseReason.REMOVED);
  }

  private static void stop(Running started) {
    started.listener().close();
    started.server().close();
  }

  @Override
  public synchronized void close() {
    running.values().forEach(Gateway::stop);
    running.values().forEach(r -> r.connection().withdraw(CloseReason.SHUTDOWN));
    running = new LinkedHashMap<>();
  }
}
