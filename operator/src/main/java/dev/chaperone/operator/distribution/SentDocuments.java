package dev.chaperone.operator.distribution;

import dev.chaperone.control.channel.Document;
import dev.chaperone.control.resource.Metadata;
import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Connections and policies as they travel. One edit is sent to many sidecars, so each generation is
 * made once. Bounded in bytes, not in number: who may edit a policy could have each of many large
 * generations kept. Safe for use by any thread.
 */
final class SentDocuments {
  /** Of all that are kept, as JSON, in bytes; in memory a few times as much. */
  static final int MAX_BYTES = 2 << 20;

  /**
   * @param resource of one kind: a uid is never used again
   * @param suspended whether it says so because the pod's session was revoked
   */
  private record Key(ResourceGeneration resource, boolean suspended) {}

  private record Kept(Document document, int bytes) {}

  /** Those that were not sent for the longest time come first. */
  private final Map<Key, Kept> kept = new LinkedHashMap<>(64, 0.75f, true);

  private int bytes;

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
    Kept known = kept.get(key);
    if (known == null) {
      Document document = made.get();
      known = new Kept(document, document.json().length);
      kept.put(key, known);
      bytes += known.bytes();
      Iterator<Kept> eldest = kept.values().iterator();
      while (bytes > MAX_BYTES) {
        bytes -= eldest.next().bytes();
        eldest.remove();
      }
    }
    return known.document();
  }

  /** What all that are kept come to, as JSON, in bytes; for tests. */
  synchronized int bytes() {
    return bytes;
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
