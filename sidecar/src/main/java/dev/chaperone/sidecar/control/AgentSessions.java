package dev.chaperone.sidecar.control;

import dev.chaperone.control.resource.FileStamp;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.policy.Subject;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.Totals;
import dev.chaperone.sidecar.gateway.ClientConnection.CloseReason;
import dev.chaperone.sidecar.gateway.Gateway.Served;
import dev.chaperone.sidecar.gateway.GuardedConnection;
import dev.chaperone.sidecar.gateway.SessionActivity;
import dev.chaperone.sidecar.journal.SessionJournal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The AgentSessions of this run, as files in the status directory. What they did is written there
 * every five seconds, as in a cluster, and what they have become at once; {@code spec.revoked},
 * which people set, is looked for five times a second.
 */
public final class AgentSessions {
  private static final System.Logger LOGGER = System.getLogger(AgentSessions.class.getName());
  private static final long LOOK_MILLIS = 200;
  private static final long WRITE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final StatusFiles<AgentSessionSpec, AgentSessionStatus> files;
  private final Path statusDirectory;
  private final Supplier<List<Served>> served;
  private final Thread thread = new Thread(this::run, "sessions");
  private final Map<String, GuardedConnection> known = new HashMap<>();
  private final Map<String, AgentSessionStatus> written = new HashMap<>();
  private final Map<String, FileStamp> stamps = new HashMap<>();
  private volatile boolean closed;

  /**
   * Sessions of the connections that are served.
   *
   * @param statusDirectory where their files are
   */
  public AgentSessions(Path statusDirectory, Supplier<List<Served>> served) {
    this.statusDirectory = statusDirectory;
    this.files = StatusFiles.agentSessions(statusDirectory);
    this.served = served;
  }

  /** Ends what an earlier run left open, and begins to look and write. */
  public void start() {
    endThoseOfEarlierRuns();
    look();
    write(true);
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Writes how the sessions ended.
   *
   * @param last what was served to the end
   */
  public void close(List<Served> last) {
    closed = true;
    thread.interrupt();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(2));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    last.forEach(one -> known.put(one.connection().session().name(), one.connection()));
    known.values().forEach(connection -> write(connection, true));
  }

  private void run() {
    long writtenAt = System.nanoTime();
    while (!closed) {
      try {
        Thread.sleep(LOOK_MILLIS);
        look();
        boolean due = System.nanoTime() - writtenAt >= WRITE_NANOS;
        if (due) {
          writtenAt = System.nanoTime();
        }
        write(due);
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        LOGGER.log(System.Logger.Level.ERROR, "sessions could not be looked at", e);
      }
    }
  }

  private void look() {
    for (Served one : served.get()) {
      GuardedConnection connection = one.connection();
      String name = connection.session().name();
      known.putIfAbsent(name, connection);
      if (connection.isRevoked()) {
        if (connection.clientCount() == 0) {
          connection.end(CloseReason.REVOKED);
        }
      } else {
        revokeIfAsked(connection);
      }
    }
  }

  /** Reads the session's file where somebody else has changed it. */
  private void revokeIfAsked(GuardedConnection connection) {
    String name = connection.session().name();
    try {
      Optional<FileStamp> stamp = files.stamp(name);
      if (stamp.isPresent() && !stamp.get().equals(stamps.put(name, stamp.get()))) {
        read(name).ifPresent(entry -> revokeIfAsked(connection, entry.spec()));
      }
    } catch (IOException e) {
      warnThatUnreadable(e);
    }
  }

  private static void revokeIfAsked(GuardedConnection connection, AgentSessionSpec spec) {
    if (Boolean.TRUE.equals(spec.revoked()) && !connection.isRevoked()) {
      LOGGER.log(
          System.Logger.Level.INFO,
          "session revoked name={0} connection={1}",
          connection.session().name(),
          connection.name());
      connection.revoke();
    }
  }

  /** Writes those that have become something else, and, where it is due, what all of them did. */
  private void write(boolean due) {
    var present =
        served.get().stream()
            .map(one -> one.connection().session().name())
            .collect(Collectors.toSet());
    for (GuardedConnection connection : List.copyOf(known.values())) {
      String name = connection.session().name();
      boolean ended = !present.contains(name);
      AgentSessionStatus before = written.get(name);
      if (due || before == null || before.phase() != phase(connection, ended)) {
        write(connection, ended);
      }
      if (ended) {
        known.remove(name);
        written.remove(name);
        stamps.remove(name);
      }
    }
  }

  private void write(GuardedConnection connection, boolean ended) {
    String name = connection.session().name();
    if (status(connection, ended).equals(written.get(name)) && Files.exists(files.file(name))) {
      return;
    }
    try {
      files.locked(
          () -> {
            // An edit that was made since the last look is not overwritten.
            revokeIfAsked(connection);
            AgentSessionStatus status = status(connection, ended);
            FileStamp stamp =
                files.write(
                    new Entry<>(
                        connection.ruling().connection().namespace(),
                        name,
                        time(connection.session().startedAt()),
                        spec(connection),
                        status));
            stamps.put(name, stamp);
            written.put(name, status);
            return null;
          });
    } catch (IOException | InvalidConfigurationException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "session could not be written name={0} cause={1}",
          name,
          e.getClass().getSimpleName());
    }
  }

  private Optional<Entry<AgentSessionSpec, AgentSessionStatus>> read(String name) {
    try {
      return files.read(name);
    } catch (InvalidConfigurationException e) {
      LOGGER.log(System.Logger.Level.WARNING, "session cannot be read: {0}", e.problems().get(0));
    } catch (IOException e) {
      warnThatUnreadable(e);
    }
    return Optional.empty();
  }

  private static void warnThatUnreadable(IOException failure) {
    LOGGER.log(
        System.Logger.Level.WARNING,
        "session cannot be read: {0}",
        failure.getClass().getSimpleName());
  }

  private static AgentSessionSpec spec(GuardedConnection connection) {
    ConnectionConfiguration configuration = connection.ruling().connection();
    Subject agent = configuration.agent();
    return new AgentSessionSpec(
        configuration.pod().name(),
        configuration.pod().uid(),
        configuration.name(),
        new SessionIdentity(
            agent.serviceAccount(),
            agent.user().orElse(null),
            agent.groups().isEmpty() ? null : List.copyOf(new TreeSet<>(agent.groups()))),
        time(connection.session().startedAt()),
        connection.isRevoked());
  }

  private AgentSessionStatus status(GuardedConnection connection, boolean ended) {
    SessionActivity activity = connection.activity();
    SessionJournal recording = connection.recorder().journal();
    Totals totals = recording.totals();
    Head head = recording.head();
    return new AgentSessionStatus(
        phase(connection, ended),
        new OperationCounts(activity.allowed(), activity.denied(), activity.approved()),
        totals.maskedValues(),
        totals.rows(),
        time(connection.recorder().lastActivity()),
        new RecordingState(
            statusDirectory.relativize(recording.directory()).toString(),
            head.events() == 0 ? null : head.digest(),
            head.events()),
        null);
  }

  private static SessionPhase phase(GuardedConnection connection, boolean ended) {
    if (connection.isRevoked()) {
      return SessionPhase.REVOKED;
    }
    return ended ? SessionPhase.ENDED : SessionPhase.ACTIVE;
  }

  /** Those whose recording is gone as well have nothing more to say. */
  private void endThoseOfEarlierRuns() {
    try {
      for (String name : files.names()) {
        Optional<Entry<AgentSessionSpec, AgentSessionStatus>> entry = read(name);
        if (entry.isEmpty() || entry.get().status() == null) {
          continue;
        }
        AgentSessionStatus status = entry.get().status();
        if (status.phase() == SessionPhase.ACTIVE) {
          files.write(entry.get().withStatus(ended(status)));
        } else if (status.recording() == null
            || status.recording().location() == null
            || !Files.isDirectory(statusDirectory.resolve(status.recording().location()))) {
          files.delete(name);
        }
      }
    } catch (IOException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "sessions of earlier runs could not be read: {0}",
          e.getClass().getSimpleName());
    }
  }

  private static AgentSessionStatus ended(AgentSessionStatus status) {
    return new AgentSessionStatus(
        SessionPhase.ENDED,
        status.operations(),
        status.maskedValues(),
        status.rows(),
        status.lastActivity(),
        status.recording(),
        status.conditions());
  }

  private static String time(Instant instant) {
    return instant.truncatedTo(ChronoUnit.MILLIS).toString();
  }
}
