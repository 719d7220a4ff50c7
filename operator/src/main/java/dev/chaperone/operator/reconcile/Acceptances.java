package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * Remembers what is wrong with resources by themselves: to find out takes translating them as a
 * gateway does, and they are looked at for other reasons much more often than they change. Safe for
 * use by any thread.
 */
final class Acceptances {
  /** Of those that were not looked at for longest, nothing is remembered. */
  static final int MOST = 5_000;

  private record Judged(long generation, List<String> problems) {}

  /** By uid, in the order in which they were last looked at. */
  private final Map<String, Judged> judged =
      new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Judged> eldest) {
          return size() > MOST;
        }
      };

  /** The mistakes of a connection, each with its field. */
  List<String> problems(AgentConnection connection) {
    return problems(connection, () -> Acceptance.problems(connection));
  }

  /** The mistakes of a policy, each with its field. */
  List<String> problems(AccessPolicy policy) {
    return problems(policy, () -> Acceptance.problems(policy));
  }

  /** A uid is never used again, and a generation says what the spec is. */
  private List<String> problems(HasMetadata resource, Supplier<List<String>> judge) {
    String uid = resource.getMetadata().getUid();
    long generation = Objects.requireNonNullElse(resource.getMetadata().getGeneration(), 1L);
    synchronized (judged) {
      Judged known = judged.get(uid);
      if (known != null && known.generation() == generation) {
        return known.problems();
      }
    }
    Judged now = new Judged(generation, List.copyOf(judge.get()));
    synchronized (judged) {
      judged.put(uid, now);
    }
    return now.problems();
  }
}
