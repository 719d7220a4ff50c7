package dev.chaperone.operator.reconcile;

import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.ApprovalRequested;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.Heartbeat;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.crds.v1alpha1.Effect;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestAccess;
import dev.chaperone.crds.v1alpha1.RequestApprovers;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.crds.v1alpha1.RequestParameter;
import dev.chaperone.crds.v1alpha1.RequestPolicy;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
import dev.chaperone.operator.channel.TestSidecar;
import java.io.IOException;
import java.security.KeyPair;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/** A sidecar that says what a test wants and keeps what it is told, over a real connection. */
final class Talk implements AutoCloseable {
  private final TestSidecar sidecar;
  private final List<ChannelMessage> heard = new CopyOnWriteArrayList<>();
  private final Thread reader = new Thread(this::read, "talk");
  private volatile boolean over;

  Talk(int port, KeyPair key, String token, String podUid) throws Exception {
    sidecar = TestSidecar.letIn(port, World.AUTHORITY, key, token, podUid);
    reader.setDaemon(true);
    reader.start();
  }

  private void read() {
    try {
      while (true) {
        ChannelMessage message = sidecar.receiveAny();
        if (message instanceof Heartbeat) {
          sidecar.send(new Heartbeat());
        } else {
          heard.add(message);
        }
      }
    } catch (Exception e) {
      over = true;
    }
  }

  void say(ChannelMessage message) throws IOException {
    sidecar.send(message);
  }

  /** Whether the operator has closed it. */
  boolean isOver() {
    return over;
  }

  <T extends ChannelMessage> List<T> heard(Class<T> type) {
    return heard.stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** What it was told to enforce last: kinds and names, in order. */
  List<String> configured() {
    List<Configure> all = heard(Configure.class);
    return all.isEmpty()
        ? List.of()
        : all.get(all.size() - 1).resources().stream().map(Object::toString).toList();
  }

  /** A field of the spec of a resource in the last configuration. */
  Object spec(String kind, String field) {
    List<Configure> all = heard(Configure.class);
    return all.get(all.size() - 1).resources().stream()
        .flatMap(
            document ->
                kind.equals(document.fields().get("kind"))
                    ? Stream.of(((Map<?, ?>) document.fields().get("spec")).get(field))
                    : Stream.empty())
        .findFirst()
        .orElse(null);
  }

  /** The connections of the last configuration that are to refuse their clients. */
  List<Object> suspended() {
    List<Configure> all = heard(Configure.class);
    return all.get(all.size() - 1).resources().stream()
        .map(document -> document.fields())
        .filter(fields -> "AgentConnection".equals(fields.get("kind")))
        .filter(fields -> Boolean.TRUE.equals(((Map<?, ?>) fields.get("spec")).get("suspended")))
        .map(fields -> (Object) ((Map<?, ?>) fields.get("metadata")).get("name"))
        .toList();
  }

  void answerConfiguration() throws IOException {
    List<Configure> all = heard(Configure.class);
    say(new ConfigurationApplied(all.get(all.size() - 1).revision()));
  }

  void start(String session, String connection) throws IOException {
    say(
        new SessionStarted(
            session,
            connection,
            new SessionIdentity(World.AGENT, null, null),
            "2026-01-01T00:00:00Z"));
  }

  void progress(String session, long allowed) throws IOException {
    say(
        new SessionProgress(
            session,
            new OperationCounts(allowed, 1L, 0L),
            3,
            allowed * 10,
            "2026-01-01T00:00:01Z",
            new RecordingState(session, "sha256:" + "0".repeat(64), allowed)));
  }

  /** An operation that waits for one DBA. */
  Request request(World.Agent agent, String session, Instant expiresAt) {
    return new Request(
        session,
        "orders",
        new RequestRequester(
            "system:serviceaccount:" + agent.pod.getMetadata().getNamespace() + ":" + World.AGENT,
            List.of("agents"),
            World.AGENT,
            agent.pod.getMetadata().getName(),
            agent.uid()),
        new RequestOperation(
            Protocol.POSTGRESQL,
            List.of(new RequestAccess(Effect.WRITE, "DELETE", "public.orders")),
            "DELETE FROM public.orders WHERE id = $1",
            List.of(new RequestParameter("int8", "7", false)),
            "sha256:" + "a".repeat(64)),
        new RequestPolicy("agents", "writes", "policy-uid", 3L),
        new RequestApprovers(List.of(World.DBA), List.of(), 1, false),
        expiresAt.truncatedTo(ChronoUnit.MILLIS).toString());
  }

  void ask(String name, Request request) throws IOException {
    say(new ApprovalRequested(name, request, Instant.now().toString()));
  }

  @Override
  public void close() throws IOException {
    sidecar.close();
  }
}
