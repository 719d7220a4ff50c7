package dev.chaperone.operator.distribution;

import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.operator.channel.ConnectedSidecar;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.store.StoreObserver;
import dev.chaperone.recording.Head;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
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
  private static final int THREADS = 2;
  private static final int MAX_WHY = 512;

  /**
   * What is to be written.
   *
   * @param state null where nothing more was stored
   * @param rejected null where nothing was rejected
   */
  private record Pending(ConnectedSidecar sidecar, RecordingState state, String rejected) {}

  private final KubernetesClient client;
  private final ClusterView view;
  private final ConnectedSidecars sidecars;
  private final SessionRecords sessions;
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
      EventWriter events,
      Clock clock) {
    this.client = client;
    this.view = view;
    this.sidecars = sidecars;
    this.sessions = sessions;
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
    RecordingState state = new RecordingState(location, head.digest(), head.events());
    if (!sessions.stored(sidecar, session, state)) {
      add(sidecar, session, new Pending(sidecar, state, null));
    }
  }

  @Override
  public void rejected(ConnectedSidecar sidecar, String session, String why) {
    add(sidecar, session, new Pending(sidecar, null, Words.shown(why, MAX_WHY)));
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
                    now.rejected() == null ? was.rejected() : now.rejected())
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
    List<Condition> conditions =
        said.rejected() == null
            ? was.conditions()
            : with(was.conditions(), said.rejected(), Instant.now(clock));
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
    if (!Objects.equals(conditions, was.conditions())) {
      events.write(session, EventWriter.Kind.WARNING, REJECTED, said.rejected());
    }
  }

  private static List<Condition> with(List<Condition> before, String why, Instant now) {
    Condition found = Conditions.of(CONDITION, ConditionStatus.FALSE, REJECTED, why, null);
    List<Condition> all = new ArrayList<>(Conditions.list(before));
    all.removeIf(one -> one.type().equals(CONDITION));
    all.addAll(Conditions.merge(before, List.of(found), now));
    return all;
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
