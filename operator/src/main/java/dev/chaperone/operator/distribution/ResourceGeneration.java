package dev.chaperone.operator.distribution;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.Objects;

/**
 * A resource as it was at one time: a generation grows with every change of the spec, and a uid is
 * never used again.
 *
 * @param generation 1 where the API server counts none
 */
public record ResourceGeneration(String name, String uid, long generation) {
  public ResourceGeneration {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(uid, "uid");
  }

  static ResourceGeneration of(HasMetadata resource) {
    return new ResourceGeneration(
        resource.getMetadata().getName(),
        resource.getMetadata().getUid(),
        Objects.requireNonNullElse(resource.getMetadata().getGeneration(), 1L));
  }
}
