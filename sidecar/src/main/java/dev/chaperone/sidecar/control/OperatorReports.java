package dev.chaperone.sidecar.control;

import dev.chaperone.control.channel.ChannelMessage.ConditionsReport;
import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.FromSidecar;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.Revoke;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
import dev.chaperone.policy.Subject;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.Totals;
import dev.chaperone.sidecar.gateway.ClientConnection.CloseReason;
import dev.chaperone.sidecar.gateway.Gateway.Served;
import dev.chaperone.sidecar.gateway.GuardedConnection;
import dev.chaperone.sidecar.gateway.SessionActivity;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Tells the operator of what goes on. Of sessions: that they began, once in each conversation and
 * before anything else is said of them; what they did, once a second where it has changed; that
 * they ended. Of connections and of the sidecar itself: how they are, where that has changed. And
 * ends the sessions that a person has revoked. Safe for use by any thread.
 */
public final class OperatorReports implements OperatorListener, AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(OperatorReports.class.getName());
  private static final long REPORT_MILLIS = 1_000;

  private final Supplier<List<Served>> served;
  private final Supplier<Map<String, String>> unresolved;
  private final Supplier<Health> health;
  private final Thread thread = new Thread(this::run, "operator-reports");
  private final Map<String, GuardedConnection> known = new LinkedHashMap<>();
  private final Set<String> announced = new HashSet<>();

  /** What was revoked stays served, to refuse who comes; its end was said in this conversation. */
  private final Set<String> over = new HashSet<>();

  /** What was said last in this conversation of what replaces itself, by what that is. */
  private final Map<String, FromSidecar> reported = new HashMap<>();

  private Conversation conversation = message -> false;
  private volatile boolean closed;

  /**
   * Reports on what is served.
   *
   * @param unresolved the connections whose Secrets cannot be used, and why
   * @param health how the sidecar is
   */
  public OperatorReports(
      Supplier<List<Served>> served,
      Supplier<Map<String, String>> unresolved,
      Supplier<Health> health) {
    this.served = served;
    this.unresolved = unresolved;
    this.health = health;
  }

  /** Begins to report. */
  public void start() {
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    while (!closed) {
      try {
        Thread.sleep(REPORT_MILLIS);
        report();
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        LOGGER.log(System.Logger.Level.ERROR, "sessions could not be reported", e);
      }
    }
  }

  @Override
  public void opened(Conversation begun) {
    synchronized (this) {
      conversation = begun;
      announced.clear();
      over.clear();
      reported.clear();
    }
    report();
  }

  @Override
  public void said(FromOperator message) {
    if (message instanceof Revoke revoke) {
      served.get().stream()
          .map(Served::connection)
          .filter(connection -> connection.session().name().equals(revoke.session()))
          .filter(connection -> !connection.isRevoked())
          .forEach(
              connection -> {
                LOGGER.log(
                    System.Logger.Level.INFO,
                    "session revoked name={0} connection={1}",
                    connection.session().name(),
                    connection.name());
                connection.revoke();
              });
    }
  }

  /**
   * Sees to it that the operator knows a session before something else is said of it.
   *
   * @return whether it does
   */
  public synchronized boolean announce(String session) {
    if (!known.containsKey(session)) {
      look(served.get());
    }
    GuardedConnection connection = known.get(session);
    return connection != null && !over.contains(session) && announce(connection);
  }

  private void look(List<Served> now) {
    now.forEach(one -> known.put(one.connection().session().name(), one.connection()));
  }

  private void report() {
    List<Served> now = served.get();
    // Not under the lock: what ends waits for requests to be withdrawn, and those may wait for it.
    now.stream()
        .map(Served::connection)
        .filter(OperatorReports::isRevokedForGood)
        .forEach(connection -> connection.end(CloseReason.REVOKED));
    synchronized (this) {
      look(now);
      reportIfChanged(health.get());
      reportConditions(now);
      Set<String> present = new HashSet<>();
      now.forEach(one -> present.add(one.connection().session().name()));
      for (GuardedConnection connection : List.copyOf(known.values())) {
        reportSession(connection, present.contains(connection.session().name()));
      }
    }
  }

  private void reportSession(GuardedConnection connection, boolean served) {
    String name = connection.session().name();
    if (!over.contains(name)
        && announce(connection)
        && reportIfChanged(progress(connection))
        && (!served || isRevokedForGood(connection))
        && conversation.say(new SessionEnded(name, connection.isRevoked()))) {
      announced.remove(name);
      progress(connection).replaces().ifPresent(reported::remove);
      over.add(name);
    }
    if (!served && over.remove(name)) {
      known.remove(name);
    }
  }

  private static boolean isRevokedForGood(GuardedConnection connection) {
    return connection.isRevoked() && connection.clientCount() == 0;
  }

  private void reportConditions(List<Served> now) {
    Map<String, String> problems = new HashMap<>(unresolved.get());
    for (Served one : now) {
      String name = one.connection().name();
      reportIfChanged(
          new ConditionsReport(
              name,
              ConnectionConditions.of(
                  one.connection(), Optional.ofNullable(problems.remove(name)))));
    }
    problems.forEach(
        (name, problem) ->
            reportIfChanged(
                new ConditionsReport(name, List.of(ConnectionConditions.unresolved(problem)))));
  }

  private boolean reportIfChanged(FromSidecar report) {
    String what = report.replaces().orElseThrow();
    if (report.equals(reported.get(what))) {
      return true;
    }
    boolean said = conversation.say(report);
    if (said) {
      reported.put(what, report);
    }
    return said;
  }

  private boolean announce(GuardedConnection connection) {
    String name = connection.session().name();
    if (announced.contains(name)) {
      return true;
    }
    ConnectionConfiguration configuration = connection.ruling().connection();
    Subject agent = configuration.agent();
    boolean said =
        conversation.say(
            new SessionStarted(
                name,
                configuration.name(),
                new SessionIdentity(
                    agent.serviceAccount(),
                    agent.user().orElse(null),
                    agent.groups().isEmpty() ? null : List.copyOf(new TreeSet<>(agent.groups()))),
                time(connection.session().startedAt())));
    if (said) {
      announced.add(name);
    }
    return said;
  }

  private static SessionProgress progress(GuardedConnection connection) {
    SessionActivity activity = connection.activity();
    Totals totals = connection.recorder().journal().totals();
    Head head = connection.recorder().journal().head();
    return new SessionProgress(
        connection.session().name(),
        new OperationCounts(activity.allowed(), activity.denied(), activity.approved()),
        totals.maskedValues(),
        totals.rows(),
        time(connection.recorder().lastActivity()),
        new RecordingState(
            connection.session().name(), head.events() == 0 ? null : head.digest(), head.events()));
  }

  private static String time(Instant instant) {
    return instant.truncatedTo(ChronoUnit.MILLIS).toString();
  }

  /** Says how the sessions ended, where the operator is there to hear it. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    report();
  }
}
