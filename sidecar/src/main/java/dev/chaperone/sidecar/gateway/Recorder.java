package dev.chaperone.sidecar.gateway;

import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.control.translation.ConnectionConfiguration.Recording;
import dev.chaperone.crds.v1alpha1.Durability;
import dev.chaperone.crds.v1alpha1.OnUnavailable;
import dev.chaperone.policy.Subject;
import dev.chaperone.recording.Event;
import dev.chaperone.sidecar.journal.Availability;
import dev.chaperone.sidecar.journal.SessionJournal;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Records one session, as its connection says: what is not recorded is not forwarded, unless the
 * connection allows that. The same for every protocol; safe for use by any thread, and nothing here
 * waits.
 */
public final class Recorder {

  /** What came of a wish to record an operation. */
  public sealed interface Outcome {

    /**
     * It goes on.
     *
     * @param number of the event; 0 where it goes on without a record
     */
    record Recorded(long number) implements Outcome {}

    /**
     * It is recorded and goes on when that is on the disk; not where the stage fails, unless {@link
     * Recorder#goesOnUnrecorded}.
     */
    record OnDisk(long number, CompletionStage<Void> when) implements Outcome {
      public OnDisk {
        Objects.requireNonNull(when, "when");
      }
    }

    /** There is no room at this moment: it is to be tried again then. */
    record Later(CompletionStage<Void> when) implements Outcome {
      public Later {
        Objects.requireNonNull(when, "when");
      }
    }

    /** It is not recorded and does not go on. */
    record Unavailable(Availability why) implements Outcome {}
  }

  private final SessionJournal journal;
  private final AtomicLong clients = new AtomicLong();
  private volatile long lastActivityMillis;

  Recorder(SessionJournal journal, Session session) {
    this.journal = journal;
    this.lastActivityMillis = session.startedAt().toEpochMilli();
  }

  /** How a session's recording begins. */
  static Event.SessionOpened opening(Session session, ConnectionConfiguration connection) {
    Subject agent = connection.agent();
    String version = Recorder.class.getPackage().getImplementationVersion();
    return new Event.SessionOpened(
        session.name(),
        new Event.Identity(
            connection.namespace(),
            connection.pod().name(),
            connection.pod().uid(),
            agent.serviceAccount(),
            agent.user().orElse(""),
            List.copyOf(new TreeSet<>(agent.groups()))),
        connection.name(),
        target(connection),
        version == null ? "" : version,
        Optional.empty());
  }

  static Event.Target target(ConnectionConfiguration connection) {
    return new Event.Target(
        connection.protocol().name(),
        connection.target().host(),
        connection.target().port(),
        connection.target().database());
  }

  /** Records an operation that is to be forwarded. */
  public Outcome request(Recording settings, Event.OperationRequested event) {
    lastActivityMillis = System.currentTimeMillis();
    long number = journal.append(event);
    if (number > 0) {
      return settings.durability() == Durability.SYNC
          ? new Outcome.OnDisk(number, journal.durable(number))
          : new Outcome.Recorded(number);
    }
    Availability availability = journal.availability();
    if (availability == Availability.AVAILABLE) {
      return new Outcome.Later(journal.room());
    }
    if (goesOnUnrecorded(settings)) {
      journal.skipped();
      return new Outcome.Recorded(0);
    }
    return new Outcome.Unavailable(availability);
  }

  /** Whether operations go on while nothing can be recorded. */
  public boolean goesOnUnrecorded(Recording settings) {
    return settings.onUnavailable() == OnUnavailable.CONTINUE;
  }

  /**
   * Records the use of an approval; completes when that is on the disk. Fails where it is not
   * recorded and that is not allowed.
   */
  public CompletionStage<Void> use(Recording settings, Event.ApprovalUsed event) {
    long number = journal.append(event);
    if (number > 0) {
      return journal
          .durable(number)
          .exceptionallyCompose(
              failure ->
                  goesOnUnrecorded(settings)
                      ? CompletableFuture.completedFuture(null)
                      : CompletableFuture.failedFuture(failure));
    }
    if (journal.availability() == Availability.AVAILABLE) {
      return journal.room().thenCompose(ready -> use(settings, event));
    }
    if (goesOnUnrecorded(settings)) {
      journal.skipped();
      return CompletableFuture.completedFuture(null);
    }
    return CompletableFuture.failedFuture(
        new IllegalStateException(journal.availability().message()));
  }

  /** Records what happened in any case. */
  public void record(Event event) {
    journal.appendLate(event);
  }

  /** Records an operation that is not forwarded. */
  public void refused(Event.OperationRequested event) {
    lastActivityMillis = System.currentTimeMillis();
    journal.appendLate(event);
  }

  /** A number for a client that connected. */
  public long nextClient() {
    return clients.incrementAndGet();
  }

  /** Whether events can be recorded now. */
  public Availability availability() {
    return journal.availability();
  }

  /** The recording itself, to see how far it goes. */
  public SessionJournal journal() {
    return journal;
  }

  /** When the agent last asked for something. */
  public Instant lastActivity() {
    return Instant.ofEpochMilli(lastActivityMillis);
  }

  void end(String reason) {
    journal.end(reason);
  }
}
