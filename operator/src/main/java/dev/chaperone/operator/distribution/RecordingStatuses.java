package dev.chaperone.operator.distribution;

import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.operator.channel.ConnectedSidecar;
import dev.chaperone.operator.store.RecordingObjects;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.store.StoreObserver;
import dev.chaperone.recording.Head;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Writes into AgentSessions how far the store has their recordings. Of a session that goes on, it
 * is written with what else is said of that; one that is over is written here, and so is what does
 * not verify, with an event.
 */
final class RecordingStatuses implements StoreObserver, AutoCloseable {
  /** What is said of a recording that is not stored. */
  static final String CONDITION = "RecordingStored";

  static final String REJECTED = "RecordingRejected";
  static final String LOST = "RecordingLost";

  /** What is said once storing works after that; what was before stays in the message. */
  static final String STORED_AGAIN = "StoredAgain";

  private static final int THREADS = 2;
  private static final int MAX_WHY = 512;

  /**
   * What is to be written.
   *
   * @param state null where nothing more was stored
   * @param rejected null where nothing was rejected
   * @param storing whether what was said last is that something was stored
   */
  private record Pending(
      ConnectedSidecar sidecar, RecordingState state, String rejected, boolean storing) {}

  private final KubernetesClient client;
  private final ClusterView view;
  private final ConnectedSidecars sidecars;
  private final SessionRecords sessions;
  private final Optional<RecordingObjects> objects;
  private final EventWriter events;
  private final Clock clock;
  private final StatusWriter statuses;
  private final KeyedWork work =
      new KeyedWork("recordings", THREADS, SessionRecords.INTERVAL, this::write);
  private final Map<String, Pending> pending = new ConcurrentHashMap<>();

  RecordingStatuses(
      KubernetesClient client,
      ClusterView view,
      ConnectedSidecars sidecars,
      SessionRecords sessions,
      Optional<RecordingObjects> objects,
      EventWriter events,
      Clock clock) {
    this.client = client;
    this.view = view;
    this.sidecars = sidecars;
    this.sessions = sessions;
    this.objects = objects;
    this.events = events;
    this.clock = clock;
    this.statuses = new StatusWriter(client);
  }

  /**
   * The state that goes further: another replica may have more than this one. What a sidecar has
   * said of its own recording, before there was a store, is nothing beside it.
   */
  static RecordingState further(RecordingState was, RecordingState now) {
    if (now == null) {
      return was;
    }
    if (was == null || !RecordingStore.isLocation(was.location())) {
      return now;
    }
    long events = Objects.requireNonNullElse(was.events(), 0L);
    return now.events() >= events ? now : was;
  }

  @Override
  public void stored(ConnectedSidecar sidecar, String session, String location, Head head) {
    String uploaded =
        objects
            .map(one -> one.location(sidecar.pod().namespace(), sidecar.pod().uid(), session))
            .orElse(null);
    RecordingState state = new RecordingState(location, head.digest(), head.events(), uploaded);
    if (!sessions.stored(sidecar, session, state)) {
      add(sidecar, session, new Pending(sidecar, state, null, true));
    }
  }

  @Override
  public void rejected(ConnectedSidecar sidecar, String session, String why) {
    sessions.rejected(sidecar, session);
    add(sidecar, session, new Pending(sidecar, null, Words.shown(why, MAX_WHY), false));
  }

  private void add(ConnectedSidecar sidecar, String session, Pending more) {
    String key = sidecar.pod().namespace() + "/" + session;
    pending.merge(
        key,
        more,
        (was, now) ->
            was.sidecar().pod().uid().equals(now.sidecar().pod().uid())
                ? new Pending(
                    now.sidecar(),
                    further(was.state(), now.state()),
                    now.rejected() == null ? was.rejected() : now.rejected(),
                    now.storing())
                : now);
    work.touch(key);
  }

  private void write(String key) throws NotWrittenException {
    Pending said = pending.get(key);
    if (said == null) {
      return;
    }
    int slash = key.indexOf('/');
    String namespace = key.substring(0, slash);
    String name = key.substring(slash + 1);
    Optional<AgentSession> seen = view.session(namespace, name);
    AgentSession session =
        seen.orElseGet(
            () -> client.resources(AgentSession.class).inNamespace(namespace).withName(name).get());
    if (session == null) {
      if (sidecars.isCurrent(said.sidecar())) {
        // It may be about to be made.
        throw new NotWrittenException();
      }
      pending.remove(key, said);
      return;
    }
    if (session.getSpec().podUid().equals(said.sidecar().pod().uid())) {
      write(session, said);
    }
    pending.remove(key, said);
  }

  private void write(AgentSession session, Pending said) throws NotWrittenException {
    AgentSessionStatus was =
        session.getStatus() == null
            ? new AgentSessionStatus(null, null, null, null, null, null, null)
            : session.getStatus();
    Instant now = Instant.now(clock);
    List<Condition> conditions =
        said.rejected() == null
            ? was.conditions()
            : notStored(was.conditions(), REJECTED, said.rejected(), now);
    if (said.storing()) {
      conditions = storedAgain(conditions, now);
    }
    AgentSessionStatus next =
        new AgentSessionStatus(
            was.phase(),
            was.operations(),
            was.maskedValues(),
            was.rows(),
            was.lastActivity(),
            further(was.recording(), said.state()),
            conditions);
    if (next.equals(was)) {
      return;
    }
    try {
      statuses.write(AgentSession::new, session, next);
    } catch (KubernetesClientException e) {
      if (ApiErrors.isConflict(e)) {
        throw new NotWrittenException();
      }
      if (ApiErrors.isNotFound(e)) {
        return;
      }
      throw e;
    }
    if (said.rejected() != null && !Objects.equals(conditions, was.conditions())) {
      events.write(session, EventWriter.Kind.WARNING, REJECTED, said.rejected());
    }
  }

  /**
   * What a session's status says of a recording is not true any more: this replica has nothing of
   * it.
   *
   * @return whether that is news
   */
  boolean lost(AgentSession session, String why) {
    AgentSessionStatus was = session.getStatus();
    boolean known =
        Conditions.find(was.conditions(), CONDITION)
            .filter(one -> one.status() == ConditionStatus.FALSE && LOST.equals(one.reason()))
            .isPresent();
    if (known) {
      return false;
    }
    sessions.lost(session);
    statuses.write(
        AgentSession::new,
        session,
        new AgentSessionStatus(
            was.phase(),
            was.operations(),
            was.maskedValues(),
            was.rows(),
            was.lastActivity(),
            was.recording(),
            notStored(was.conditions(), LOST, why, Instant.now(clock))));
    events.write(session, EventWriter.Kind.WARNING, LOST, why);
    return true;
  }

  private static List<Condition> notStored(
      List<Condition> before, String reason, String why, Instant now) {
    return Conditions.with(
        before, Conditions.of(CONDITION, ConditionStatus.FALSE, reason, why, null), now);
  }

  /**
   * What is said once more of a recording is stored: that it works, where it was said that it does
   * not. What it was stays to be read: somebody may have tried something.
   */
  static List<Condition> storedAgain(List<Condition> before, Instant now) {
    return Conditions.find(before, CONDITION)
        .filter(one -> one.status() == ConditionStatus.FALSE)
        .map(
            was ->
                Conditions.with(
                    before,
                    Conditions.of(
                        CONDITION,
                        ConditionStatus.TRUE,
                        STORED_AGAIN,
                        "it is stored; before, since "
                            + was.lastTransitionTime()
                            + ": "
                            + was.reason()
                            + ": "
                            + was.message(),
                        null),
                    now))
        .orElse(before);
  }

  /** Tried again with a little patience. */
  private static final class NotWrittenException extends Exception {
    private static final long serialVersionUID = 1L;
  }

  @Override
  public void close() {
    work.close();
  }
}
