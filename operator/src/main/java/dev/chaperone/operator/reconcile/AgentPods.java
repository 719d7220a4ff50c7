package dev.chaperone.operator.reconcile;

import dev.chaperone.operator.distribution.ClusterView;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The pods of a namespace that live, with a gateway and without. Those without are watched by
 * nobody; they are asked for, and an answer is good for a few seconds, so that a thousand
 * connections of one namespace are one question. What happens to pods with a gateway is seen at
 * once. Safe for use by any thread.
 */
final class AgentPods {
  /** For how long an answer is good. */
  static final Duration RECENT = Duration.ofSeconds(5);

  private record Answer(List<Pod> pods, long at) {}

  private final KubernetesClient client;
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();

  /**
   * When something happened to a pod last, by namespace, as long as there may be an older answer.
   */
  private final Map<String, Long> changes = new ConcurrentHashMap<>();

  /**
   * Asks where it has no answer.
   *
   * @param view says when an answer is no good any more
   */
  AgentPods(KubernetesClient client, ClusterView view) {
    this.client = client;
    view.onPod(
        (before, now) ->
            changes.put(
                (now == null ? before : now).getMetadata().getNamespace(), System.nanoTime()));
  }

  /** Those of a namespace. */
  List<Pod> of(String namespace) {
    long now = System.nanoTime();
    answers.values().removeIf(answer -> isOld(answer.at(), now));
    changes.values().removeIf(at -> isOld(at, now));
    // Who asks for the same at the same time waits for one answer.
    return answers
        .compute(
            namespace,
            (name, known) ->
                known == null || isOutdated(name, known) ? new Answer(list(name), now) : known)
        .pods();
  }

  private static boolean isOld(long at, long now) {
    return now - at >= RECENT.toNanos();
  }

  private boolean isOutdated(String namespace, Answer answer) {
    Long changed = changes.get(namespace);
    return changed != null && changed - answer.at() >= 0;
  }

  /** From the API server's cache: an old count is counted again. */
  private List<Pod> list(String namespace) {
    return client
        .pods()
        .inNamespace(namespace)
        .list(new ListOptionsBuilder().withResourceVersion("0").build())
        .getItems()
        .stream()
        .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
        .filter(AgentPods::isAlive)
        .toList();
  }

  private static boolean isAlive(Pod pod) {
    String phase = pod.getStatus() == null ? null : pod.getStatus().getPhase();
    return !"Succeeded".equals(phase) && !"Failed".equals(phase);
  }
}
