package dev.chaperone.operator.channel;

import dev.chaperone.control.translation.SecretBytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the API server would know, in memory. */
final class FakeCluster implements TokenReviewer, PodLookup, KeyBindings {
  static final String TOKEN = "the-token-of-agent-0";
  static final SidecarPod POD = new SidecarPod("support", "agent-0", "uid-0", "support-agent");

  private final Map<String, Verdict> tokens = new HashMap<>();
  private final Map<String, Found> pods = new HashMap<>();
  private final Map<String, Stored> bindings = new HashMap<>();
  private long version;
  private Runnable beforeBinding = () -> {};
  private Runnable beforeReview = () -> {};
  private boolean down;

  FakeCluster() {
    pod(POD, TOKEN);
  }

  /** Adds a pod and the token of its sidecar. */
  synchronized void pod(SidecarPod pod, String token) {
    tokens.put(token, verdict(pod, "chaperone"));
    pods.put(pod.toString(), new Found(pod.uid(), 0));
  }

  /** What the API server says of a token of that pod for that audience. */
  static Verdict verdict(SidecarPod pod, String audience) {
    return new Verdict(
        true,
        List.of(audience),
        "system:serviceaccount:" + pod.namespace() + ":" + pod.serviceAccount(),
        Map.of(
            "authentication.kubernetes.io/pod-name",
            List.of(pod.name()),
            "authentication.kubernetes.io/pod-uid",
            List.of(pod.uid())));
  }

  synchronized void token(String token, Verdict verdict) {
    tokens.put(token, verdict);
  }

  synchronized void expire(String token) {
    tokens.remove(token);
  }

  synchronized void restarts(SidecarPod pod, long restarts) {
    pods.put(pod.toString(), new Found(pod.uid(), restarts));
  }

  synchronized void delete(SidecarPod pod) {
    pods.remove(pod.toString());
  }

  synchronized void replacedBy(SidecarPod pod, String uid) {
    pods.put(pod.toString(), new Found(uid, 0));
  }

  synchronized void beforeBinding(Runnable task) {
    beforeBinding = task;
  }

  synchronized void beforeReview(Runnable task) {
    beforeReview = task;
  }

  synchronized void down(boolean is) {
    down = is;
  }

  @Override
  public Verdict review(SecretBytes token) throws IOException {
    Runnable before;
    synchronized (this) {
      before = beforeReview;
    }
    before.run();
    synchronized (this) {
      if (down) {
        throw new IOException("the API server is down");
      }
      return tokens.getOrDefault(
          new String(token.bytes(), StandardCharsets.UTF_8),
          new Verdict(false, List.of(), "", Map.of()));
    }
  }

  @Override
  public synchronized Optional<Found> find(String namespace, String name) {
    return Optional.ofNullable(pods.get(namespace + "/" + name));
  }

  @Override
  public synchronized Optional<Stored> find(SidecarPod pod) {
    return Optional.ofNullable(bindings.get(pod.uid()));
  }

  @Override
  public synchronized boolean create(SidecarPod pod, KeyBinding binding) {
    raced();
    return bindings.putIfAbsent(pod.uid(), new Stored(binding, "" + version++)) == null;
  }

  @Override
  public synchronized boolean replace(SidecarPod pod, Stored read, KeyBinding binding) {
    raced();
    return bindings.replace(pod.uid(), read, new Stored(binding, "" + version++));
  }

  private void raced() {
    Runnable once = beforeBinding;
    beforeBinding = () -> {};
    once.run();
  }
}
