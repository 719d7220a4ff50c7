package dev.chaperone.operator.distribution;

import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.operator.channel.ConnectedSidecar;
import dev.chaperone.operator.channel.RefusalReason;
import dev.chaperone.operator.distribution.AgentMetrics.Done;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps the AgentSessions of the sidecars that are connected here: made when a session begins,
 * written at most every few seconds and at the end, and ended when a person has said so.
 *
 * <p>The name is the sidecar's choice; the session that has it must be of its pod and connection.
 * No owner is set: a session is a record and outlives its pod. What a person has ended stays ended
 * for that pod and connection: a gateway that is started anew, or by itself begins another session,
 * is told so again.
 */
final class SessionRecords implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(SessionRecords.class.getName());

  /** How often a session is written at most. */
  static final Duration INTERVAL = Duration.ofSeconds(5);

  /** A hundred progress reports a second: those of 500 sessions at that interval. */
  private static final Duration PACE = Duration.ofMillis(10);

  /** The label that says whose session it is, where the pod's name can be a label. */
  static final String POD_LABEL = "chaperone.dev/pod";

  /** The label that says which connection it uses. */
  static final String CONNECTION_LABEL = "chaperone.dev/connection";

  private static final int THREADS = 8;

  /** A pod has one session for each connection and life of its sidecar. */
  private static final int MAX_OF_POD = 2_000;

  /**
   * What a sidecar said of a session.
   *
   * @param progress null where nothing was said yet
   * @param ended null while it goes on
   * @param stored how far the store has its recording; null where nothing is stored in this
   *     conversation
   * @param storing whether what the store said last is that it has stored something
   */
  private record Live(
      ConnectedSidecar sidecar,
      SessionStarted started,
      SessionProgress progress,
      SessionEnded ended,
      RecordingState stored,
      boolean storing) {

    /**
     * Where the status stands by that.
     *
     * @param kept whether recordings are stored: then what a sidecar says of its own does not count
     */
    AgentSessionStatus next(AgentSessionStatus before, boolean kept, Instant now) {
      AgentSessionStatus was =
          before == null
              ? new AgentSessionStatus(null, null, null, null, null, null, null)
              : before;
      SessionPhase phase =
          was.phase() == SessionPhase.ENDED || was.phase() == SessionPhase.REVOKED
              ? was.phase()
              : phase();
      List<Condition> conditions =
          storing ? RecordingStatuses.storedAgain(was.conditions(), now) : was.conditions();
      return progress == null
          ? new AgentSessionStatus(
              phase,
              was.operations(),
              was.maskedValues(),
              was.rows(),
              was.lastActivity(),
              RecordingStatuses.further(was.recording(), stored),
              conditions)
          : new AgentSessionStatus(
              phase,
              progress.operations(),
              progress.maskedValues(),
              progress.rows(),
              progress.lastActivity(),
              kept ? RecordingStatuses.further(was.recording(), stored) : progress.recording(),
              conditions);
    }

    private SessionPhase phase() {
      if (ended == null) {
        return SessionPhase.ACTIVE;
      }
      return ended.revoked() ? SessionPhase.REVOKED : SessionPhase.ENDED;
    }

    Live said(SessionProgress now) {
      return new Live(sidecar, started, now, ended, stored, storing);
    }

    Live said(SessionEnded now) {
      return new Live(sidecar, started, progress, now, stored, storing);
    }

    Live stored(RecordingState now) {
      return new Live(
          sidecar, started, progress, ended, RecordingStatuses.further(stored, now), true);
    }

    Live notStored() {
      return new Live(sidecar, started, progress, ended, stored, false);
    }
  }

  private final KubernetesClient client;
  private final ClusterView view;
  private final ConnectedSidecars sidecars;
  private final boolean keepsRecordings;
  private final AgentMetrics metrics;
  private final Clock clock;
  private final StatusWriter statuses;
  private final KeyedWork work = new KeyedWork("sessions", THREADS, INTERVAL, PACE, this::write);
  private final Map<String, Live> lives = new ConcurrentHashMap<>();

  /**
   * @param keepsRecordings whether this replica stores recordings
   */
  SessionRecords(
      KubernetesClient client,
      ClusterView view,
      ConnectedSidecars sidecars,
      boolean keepsRecordings,
      AgentMetrics metrics,
      Clock clock) {
    this.clock = clock;
    this.keepsRecordings = keepsRecordings;
    this.metrics = metrics;
    this.client = client;
    this.view = view;
    this.sidecars = sidecars;
    this.statuses = new StatusWriter(client);
  }

  private static String key(ConnectedSidecar sidecar, String session) {
    return sidecar.pod().namespace() + "/" + session;
  }

  void started(ConnectedSidecar sidecar, SessionStarted started) {
    if (!Words.isName(started.session()) || !Words.isName(started.connection())) {
      sidecar.disconnect(RefusalReason.PROTOCOL, "a session's name cannot be one of a resource");
      return;
    }
    String key = key(sidecar, started.session());
    Live now =
        lives.compute(
            key,
            (k, known) ->
                known != null
                        && sidecars.isCurrent(known.sidecar())
                        && !known.sidecar().pod().uid().equals(sidecar.pod().uid())
                    ? known
                    : new Live(sidecar, started, null, null, null, false));
    if (now.sidecar() == sidecar) {
      work.touchNow(key);
    } else {
      refuse(sidecar, started.session());
    }
  }

  private static void refuse(ConnectedSidecar sidecar, String session) {
    sidecar.disconnect(
        RefusalReason.FOREIGN,
        "there is a session named " + session + " of another pod or connection");
  }

  void progress(ConnectedSidecar sidecar, SessionProgress progress) {
    String key = key(sidecar, progress.session());
    Live before = lives.get(key);
    if (update(sidecar, progress.session(), live -> live.said(progress))) {
      metrics.progressed(
          sidecar.pod().namespace(),
          before.started().connection(),
          done(before),
          Done.of(progress));
      work.touch(key);
    }
  }

  /**
   * What was known of a session; of one that is told of for the first time, what its status says.
   */
  private Done done(Live live) {
    if (live.progress() != null) {
      return Done.of(live.progress());
    }
    return view.session(live.sidecar().pod().namespace(), live.started().session())
        .map(AgentSession::getStatus)
        .map(was -> Done.of(was.operations(), was.maskedValues(), was.rows()))
        .orElse(Done.NOTHING);
  }

  void ended(ConnectedSidecar sidecar, SessionEnded ended) {
    if (update(sidecar, ended.session(), live -> live.said(ended))) {
      work.touchNow(key(sidecar, ended.session()));
    }
  }

  /**
   * More of a recording is stored.
   *
   * @return false where the session is not one that goes on here
   */
  boolean stored(ConnectedSidecar sidecar, String session, RecordingState state) {
    boolean lives = update(sidecar, session, live -> live.stored(state));
    if (lives) {
      work.touch(key(sidecar, session));
    }
    return lives;
  }

  /** What came of a recording was not stored: what was stored before says nothing of that. */
  void rejected(ConnectedSidecar sidecar, String session) {
    update(sidecar, session, Live::notStored);
  }

  /** What was stored of a recording is not there any more. */
  void lost(AgentSession session) {
    lives.computeIfPresent(
        session.getMetadata().getNamespace() + "/" + session.getMetadata().getName(),
        (key, live) -> live.notStored());
  }

  private boolean update(
      ConnectedSidecar sidecar, String session, java.util.function.UnaryOperator<Live> change) {
    Live now =
        lives.computeIfPresent(
            key(sidecar, session),
            (key, live) -> live.sidecar() == sidecar ? change.apply(live) : live);
    return now != null && now.sidecar() == sidecar;
  }

  /** What was said last is still written; then nothing more is known. */
  void disconnected(ConnectedSidecar sidecar) {
    lives.forEach(
        (key, live) -> {
          if (live.sidecar() == sidecar) {
            work.touchNow(key);
          }
        });
  }

  /** A session has changed; not to be waited in. */
  void changed(AgentSession session) {
    if (!Boolean.TRUE.equals(session.getSpec().revoked())) {
      return;
    }
    for (Live live : lives.values()) {
      if (live.ended() == null && isOf(session, live)) {
        live.sidecar().revoke(live.started().session());
      }
    }
  }

  /** Whether a person has ended this session, or an earlier one of its pod and connection. */
  private boolean isRevoked(Live live) {
    return view.sessionsOfPod(live.sidecar().pod().uid()).stream()
        .anyMatch(
            session -> Boolean.TRUE.equals(session.getSpec().revoked()) && isOf(session, live));
  }

  private void write(String key) throws SessionNotWrittenException {
    Live live = lives.get(key);
    if (live == null) {
      return;
    }
    String namespace = live.sidecar().pod().namespace();
    String name = live.started().session();
    Optional<AgentSession> seen = view.session(namespace, name);
    // What was seen may be old; then the write is refused, and what there is is asked for.
    Optional<AgentSession> current = seen.isPresent() ? seen : read(namespace, name);
    for (int attempt = 0; attempt < 2; attempt++) {
      AgentSession session = current.isPresent() ? current.get() : create(key, live).orElse(null);
      if (session == null) {
        return;
      }
      if (!isOf(session, live)) {
        refuse(live.sidecar(), name);
        lives.remove(key, live);
        return;
      }
      if (live.ended() == null
          && (Boolean.TRUE.equals(session.getSpec().revoked()) || isRevoked(live))) {
        live.sidecar().revoke(name);
      }
      AgentSessionStatus next = live.next(session.getStatus(), keepsRecordings, Instant.now(clock));
      if (next.equals(session.getStatus()) || written(key, live, session, next)) {
        if (live.ended() != null || !sidecars.isCurrent(live.sidecar())) {
          lives.remove(key, live);
        }
        return;
      }
      current = read(namespace, name);
    }
    throw new SessionNotWrittenException();
  }

  /** Others write as well; tried again with a little patience. */
  private static final class SessionNotWrittenException extends Exception {
    private static final long serialVersionUID = 1L;
  }

  private static boolean isOf(AgentSession session, Live live) {
    return session.getSpec().podUid().equals(live.sidecar().pod().uid())
        && session.getSpec().connection().equals(live.started().connection());
  }

  /** False where the session is another one by now. */
  private boolean written(String key, Live live, AgentSession session, AgentSessionStatus next) {
    try {
      statuses.write(AgentSession::new, session, next);
      return true;
    } catch (KubernetesClientException e) {
      if (ApiErrors.isConflict(e) || ApiErrors.isNotFound(e)) {
        return false;
      }
      if (ApiErrors.isForGood(e)) {
        drop(key, live, e);
        return true;
      }
      throw e;
    }
  }

  private Optional<AgentSession> read(String namespace, String name) {
    return Optional.ofNullable(resource(namespace, name).get());
  }

  private Resource<AgentSession> resource(String namespace, String name) {
    return client.resources(AgentSession.class).inNamespace(namespace).withName(name);
  }

  /** Empty where it cannot be; the sidecar was told then. */
  private Optional<AgentSession> create(String key, Live live) {
    if (view.sessionsOfPod(live.sidecar().pod().uid()).size() >= MAX_OF_POD) {
      live.sidecar().disconnect(RefusalReason.PROTOCOL, "the pod has too many sessions");
      lives.remove(key, live);
      return Optional.empty();
    }
    AgentSession session = session(live, isRevoked(live));
    try {
      return Optional.of(
          client
              .resources(AgentSession.class)
              .inNamespace(live.sidecar().pod().namespace())
              .resource(session)
              .create());
    } catch (KubernetesClientException e) {
      if (ApiErrors.isConflict(e)) {
        return read(live.sidecar().pod().namespace(), live.started().session());
      }
      // Where there is no namespace any more, the pod is not for long either.
      if (ApiErrors.isForGood(e) || ApiErrors.isNotFound(e)) {
        drop(key, live, e);
        return Optional.empty();
      }
      throw e;
    }
  }

  private void drop(String key, Live live, KubernetesClientException e) {
    LOGGER.log(
        System.Logger.Level.WARNING,
        "the API server takes no session key={0} error={1}",
        key,
        ApiErrors.describe(e));
    live.sidecar().disconnect(RefusalReason.PROTOCOL, "the API server does not take the session");
    lives.remove(key, live);
  }

  private static AgentSession session(Live live, boolean revoked) {
    Map<String, String> labels = new HashMap<>();
    Words.label(labels, CONNECTION_LABEL, live.started().connection());
    Words.label(labels, POD_LABEL, live.sidecar().pod().name());
    AgentSession session = new AgentSession();
    session.setMetadata(
        new ObjectMetaBuilder()
            .withNamespace(live.sidecar().pod().namespace())
            .withName(live.started().session())
            .withLabels(labels)
            .build());
    session.setSpec(
        new AgentSessionSpec(
            live.sidecar().pod().name(),
            live.sidecar().pod().uid(),
            live.started().connection(),
            Objects.requireNonNull(live.started().identity()),
            live.started().startedAt(),
            revoked));
    return session;
  }

  @Override
  public void close() {
    work.close();
  }
}
