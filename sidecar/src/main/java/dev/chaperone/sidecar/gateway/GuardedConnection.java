package dev.chaperone.sidecar.gateway;

import dev.chaperone.recording.Event;
import dev.chaperone.sidecar.gateway.ClientConnection.CloseReason;
import dev.chaperone.sidecar.journal.Journal;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One AgentConnection while it is served: what is in force for it, and its open client connections.
 * Safe for use by any thread.
 */
public final class GuardedConnection {
  private static final System.Logger LOGGER = System.getLogger(GuardedConnection.class.getName());
  private static final long WITHDRAW_SECONDS = 2;

  private final String name;
  private final Session session;
  private final SessionListener listener;
  private final Journal journal;
  private final Recorder recorder;
  private final ConnectionMetrics metrics;
  private final Gate gate;

  /** What earlier sessions of a connection of this name have counted. */
  private final SessionActivity before;

  private final Set<ClientConnection> clients = ConcurrentHashMap.newKeySet();
  private volatile Ruling ruling;
  private volatile boolean draining;
  private volatile Optional<List<String>> unresolvedMasks = Optional.empty();
  private volatile boolean revoked;
  private volatile boolean ended;
  private volatile TargetState targetState = TargetState.UNKNOWN;

  GuardedConnection(
      Ruling ruling,
      Journal journal,
      SessionListener listener,
      MeterRegistry registry,
      Lease lease) {
    this.name = ruling.connection().name();
    this.listener = listener;
    this.session = Session.begin(ruling.connection());
    this.recorder =
        new Recorder(
            journal.open(
                Recorder.opening(session, ruling.connection()),
                ruling.connection().recording().retention()),
            session);
    this.journal = journal;
    this.ruling = ruling;
    this.metrics = new ConnectionMetrics(registry, name, clients::size);
    this.before = metrics.activity();
    this.gate = new Gate(metrics, lease);
  }

  /** The AgentConnection's name. */
  public String name() {
    return name;
  }

  /** The agent's use of this connection, of which each client connection is a part. */
  public Session session() {
    return session;
  }

  /** What is in force now; a new object after each change. */
  public Ruling ruling() {
    return ruling;
  }

  public Gate gate() {
    return gate;
  }

  /** What records the session. */
  public Recorder recorder() {
    return recorder;
  }

  public ConnectionMetrics metrics() {
    return metrics;
  }

  /** Which masks name no column of the target; empty before they were looked up. */
  public Optional<List<String>> unresolvedMasks() {
    return unresolvedMasks;
  }

  /** The masks were looked up in the target's catalog. */
  public void unresolvedMasks(List<String> unresolved) {
    unresolvedMasks = Optional.of(List.copyOf(unresolved));
  }

  /** Whether the target was reached when it was last tried. */
  public TargetState targetState() {
    return targetState;
  }

  /** The target was tried. */
  public void targetState(TargetState latest) {
    targetState = latest;
  }

  /** Whether a person has ended the session; no client connection may be opened in it. */
  public boolean isRevoked() {
    return revoked;
  }

  /**
   * Ends the session for good: client connections are closed, what they do is cancelled, and so is
   * what waits for approval.
   */
  public void revoke() {
    synchronized (clients) {
      if (revoked) {
        return;
      }
      revoked = true;
    }
    recorder.record(new Event.SessionRevoked(""));
    closeClients(CloseReason.REVOKED);
    withdraw(CloseReason.REVOKED);
  }

  /** What the session did so far. */
  public SessionActivity activity() {
    return metrics.activity().since(before);
  }

  /** Whether no new client connection may be opened because the gateway is stopping. */
  public boolean isDraining() {
    return draining;
  }

  /**
   * Adds a client connection, if the limit allows one more.
   *
   * @return whether it was added
   */
  public boolean register(ClientConnection client) {
    synchronized (clients) {
      if (draining
          || revoked
          || clients.size() >= ruling.connection().bounds().clientConnections()) {
        return false;
      }
      return clients.add(client);
    }
  }

  /** Removes a client connection that was closed. */
  public void unregister(ClientConnection client) {
    clients.remove(client);
  }

  /** How many client connections are open. */
  public int clientCount() {
    return clients.size();
  }

  /** Puts a new configuration in force for the next operation of every client connection. */
  void apply(Ruling next) {
    Ruling previous = ruling;
    ruling = next;
    if (!previous.masks().equals(next.masks())) {
      unresolvedMasks = Optional.empty();
    }
    if (!previous.connection().target().equals(next.connection().target())) {
      recorder.record(new Event.TargetChanged(Recorder.target(next.connection())));
    }
    recorder.record(new Event.ConfigurationChanged(next.policies().generation()));
    journal.keep(next.connection().namespace(), name, next.connection().recording().retention());
    if (next.connection().suspended()) {
      closeClients(CloseReason.SUSPENDED);
      withdraw(CloseReason.SUSPENDED);
    } else if (!next.connection().hasTargetOf(previous.connection())) {
      closeClients(CloseReason.RECONFIGURED);
      withdraw(CloseReason.RECONFIGURED);
    }
    listener.changed(session, next);
  }

  /**
   * The session is over: what it asked for is cancelled, its recording is sealed, and nothing more
   * is recorded. Waits up to two seconds for the first.
   */
  public void end(CloseReason reason) {
    if (!ended) {
      ended = true;
      awaitBriefly(withdraw(reason));
    }
    recorder.end(reason.message());
  }

  private static void awaitBriefly(CompletionStage<Void> stage) {
    try {
      stage.toCompletableFuture().get(WITHDRAW_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      LOGGER.log(System.Logger.Level.WARNING, "what waits for approval could not be cancelled");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What waits for approval, or was approved and not used, is cancelled. */
  CompletionStage<Void> withdraw(CloseReason reason) {
    return listener.withdraw(session, reason.message());
  }

  void drain(CloseReason reason) {
    synchronized (clients) {
      draining = true;
    }
    List.copyOf(clients).forEach(client -> client.drain(reason));
  }

  void closeClients(CloseReason reason) {
    List.copyOf(clients).forEach(client -> client.close(reason));
  }
}
