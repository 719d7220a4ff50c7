package dev.chaperone.control.resource;

import java.util.Objects;

/**
 * One resource as it was read.
 *
 * @param <S> the type of its spec
 */
public record Resource<S>(Metadata metadata, S spec, Source source) {
  public Resource {
    Objects.requireNonNull(metadata, "metadata");
    Objects.requireNonNull(spec, "spec");
    Objects.requireNonNull(source, "source");
  }

  /** A problem of one of its fields. */
  public Problem problem(String path, String message) {
    return source.problem(path, message);
  }
}
