package dev.chaperone.operator.distribution;

import dev.chaperone.control.channel.Document;
import dev.chaperone.control.resource.Metadata;
import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Connections and policies as they travel. One edit is sent to many sidecars, so each generation is
 * made once. Safe for use by any thread.
 */
final class SentDocuments {
  private static final int MAX_KEPT = 512;

  /**
   * @param resource of one kind: a uid is never used again
   * @param suspended whether it says so because the pod's session was revoked
   */
  private record Key(ResourceGeneration resource, boolean suspended) {}

  private final Map<Key, Document> kept =
      new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Document> eldest) {
          return size() > MAX_KEPT;
        }
      };

  /**
   * A connection.
   *
   * @param revoked the pod may not use it any more: it is served to nobody, not even until the new
   *     session is told
   */
  Document of(AgentConnection connection, boolean revoked) {
    return find(
        new Key(ResourceGeneration.of(connection), revoked),
        () ->
            Document.connection(
                metadata(connection),
                revoked ? connection.getSpec().asSuspended() : connection.getSpec()));
  }

  Document of(AccessPolicy policy) {
    return find(
        new Key(ResourceGeneration.of(policy), false),
        () -> Document.policy(metadata(policy), policy.getSpec()));
  }

  private synchronized Document find(Key key, Supplier<Document> made) {
    Document known = kept.get(key);
    if (known == null) {
      known = made.get();
      kept.put(key, known);
    }
    return known;
  }

  private static Metadata metadata(HasMetadata resource) {
    return new Metadata(
        resource.getMetadata().getNamespace(),
        resource.getMetadata().getName(),
        resource.getMetadata().getUid(),
        ResourceGeneration.of(resource).generation(),
        Map.of());
  }
}
