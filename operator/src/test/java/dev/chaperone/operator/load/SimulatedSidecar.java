package dev.chaperone.operator.load;

import dev.chaperone.control.channel.ChannelMessage.ConditionsReport;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.Revoke;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.control.channel.Document;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.Effect;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestAccess;
import dev.chaperone.crds.v1alpha1.RequestApprovers;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.crds.v1alpha1.RequestPolicy;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
import dev.chaperone.sidecar.approval.RequestStore;
import dev.chaperone.sidecar.control.ChannelRequestStore;
import dev.chaperone.sidecar.control.OperatorAddress;
import dev.chaperone.sidecar.control.OperatorChannel;
import dev.chaperone.sidecar.control.OperatorLease;
import dev.chaperone.sidecar.control.OperatorListener;
import dev.chaperone.sidecar.control.OperatorTimes;
import io.fabric8.kubernetes.api.model.Pod;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.security.KeyPair;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A sidecar without clients and target: the real end of the channel with a key and token of its
 * own, one session, and what a sidecar with some traffic would say of it. Keeps when it was told
 * what.
 */
final class SimulatedSidecar implements AutoCloseable {
  private final Pod pod;
  private final OperatorChannel channel;
  private final ChannelRequestStore requests;
  private final AtomicLong operations = new AtomicLong();

  /** When something was heard first, in {@link System#nanoTime()}, by what it is. */
  private final Map<String, Long> heard = new ConcurrentHashMap<>();

  private volatile OperatorListener.Conversation conversation = message -> false;
  private volatile long configuredAt;
  private volatile long openedAt;

  /**
   * A sidecar; {@link #start} connects it.
   *
   * @param address the operator's, with the token of this pod
   * @param more who else of it says and hears something
   */
  SimulatedSidecar(
      Pod pod,
      OperatorAddress address,
      KeyPair key,
      EventLoop loop,
      Executor waiting,
      List<OperatorListener> more) {
    this.pod = pod;
    this.requests = new ChannelRequestStore(session -> true);
    requests.start(new Decided());
    List<OperatorListener> listeners = new ArrayList<>(List.of(new Session(), requests));
    listeners.addAll(more);
    this.channel =
        new OperatorChannel(
            address, OperatorTimes.STANDARD, key, new OperatorLease(), listeners, loop, waiting);
  }

  void start() {
    channel.start();
  }

  Pod pod() {
    return pod;
  }

  /** The name of its session. */
  String session() {
    return pod.getMetadata().getName() + "-session";
  }

  /** When it was last told what to enforce; 0 where it never was. */
  long configuredAt() {
    return configuredAt;
  }

  /** When its last conversation began; 0 where there was none. */
  long openedAt() {
    return openedAt;
  }

  /** When it was first told of that; empty where it was not yet. */
  Optional<Long> heardAt(String what) {
    return Optional.ofNullable(heard.get(what));
  }

  /** A generation of a resource, as what it is told of. */
  static String resource(String kind, String name, long generation) {
    return kind + " " + name + " " + generation;
  }

  /** How many operations there were, as its last report says. */
  long operations() {
    return operations.get();
  }

  /** One more operation, reported as a sidecar does each second. */
  void work() {
    operations.incrementAndGet();
    report();
  }

  private void report() {
    long count = operations.get();
    conversation.say(
        new SessionProgress(
            session(),
            new OperationCounts(count, 0L, 0L),
            count,
            count * 10,
            now(),
            new RecordingState(session(), "sha256:" + "0".repeat(64), count * 2)));
  }

  /** Asks for an approval, as a held operation does. */
  void ask(String name) throws IOException {
    requests.create(
        pod.getMetadata().getNamespace(),
        name,
        new Request(
            session(),
            LoadCluster.CONNECTION,
            new RequestRequester(
                "agent",
                List.of(),
                LoadCluster.AGENT,
                pod.getMetadata().getName(),
                pod.getMetadata().getUid()),
            new RequestOperation(
                Protocol.POSTGRESQL,
                List.of(new RequestAccess(Effect.WRITE, "DELETE", "public.orders")),
                "DELETE FROM public.orders WHERE id = 7",
                List.of(),
                "sha256:" + "a".repeat(64)),
            new RequestPolicy(LoadCluster.POLICY, "writes", "policy-uid", 1L),
            new RequestApprovers(List.of(LoadCluster.DBA), List.of(), 1, false),
            Instant.now().plusSeconds(3_600).truncatedTo(ChronoUnit.MILLIS).toString()),
        Instant.now());
  }

  private static String now() {
    return Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
  }

  private void heard(String what) {
    heard.putIfAbsent(what, System.nanoTime());
  }

  @Override
  public void close() {
    channel.close();
  }

  /** What a sidecar says of itself, and hears. */
  private final class Session implements OperatorListener {
    @Override
    public void opened(Conversation begun) {
      conversation = begun;
      openedAt = System.nanoTime();
      begun.say(
          new SessionStarted(
              session(),
              LoadCluster.CONNECTION,
              new SessionIdentity(LoadCluster.AGENT, null, null),
              "2026-01-01T00:00:00Z"));
      begun.say(new Health(true, ""));
      begun.say(
          new ConditionsReport(
              LoadCluster.CONNECTION,
              List.of(
                  condition("CredentialsResolved", "Read"),
                  condition("TargetReachable", "LoggedIn"),
                  condition("MasksResolved", "AllResolved"))));
      report();
    }

    private static Condition condition(String type, String reason) {
      return new Condition(type, ConditionStatus.TRUE, reason, "", null, null);
    }

    @Override
    public void said(FromOperator message) {
      if (message instanceof Configure configure) {
        configuredAt = System.nanoTime();
        configure.resources().forEach(this::resource);
        conversation.say(new ConfigurationApplied(configure.revision()));
      } else if (message instanceof Revoke revoke) {
        heard("revoke " + revoke.session());
      }
    }

    private void resource(Document document) {
      Map<?, ?> metadata = (Map<?, ?>) document.fields().get("metadata");
      heard(
          SimulatedSidecar.resource(
              String.valueOf(document.fields().get("kind")),
              String.valueOf(metadata.get("name")),
              ((Number) metadata.get("generation")).longValue()));
    }
  }

  /** Keeps when somebody decided. */
  private final class Decided implements RequestStore.Listener {
    @Override
    public void decided(String name, List<ApprovalDecision> decisions) {
      heard("decision " + name);
      decisions.forEach(one -> heard("decision " + name + " by " + one.by()));
    }

    @Override
    public void withdrawn(String name, String reason) {
      heard("withdrawn " + name);
    }
  }
}
