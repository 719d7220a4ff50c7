package dev.chaperone.recording;

import java.util.Objects;

/**
 * Something that comes again in many events. It is written once in a segment and referred to by
 * number; to find it again costs no more than a look into a table when the same object is used.
 *
 * @param <T> compared by value
 */
public final class Repeated<T> {
  private final T value;
  private final int hash;

  private Repeated(T value) {
    this.value = Objects.requireNonNull(value, "value");
    this.hash = value.hashCode();
  }

  public static <T> Repeated<T> of(T value) {
    return new Repeated<>(value);
  }

  public T value() {
    return value;
  }

  @Override
  public boolean equals(Object other) {
    return this == other
        || (other instanceof Repeated<?> that && hash == that.hash && value.equals(that.value));
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return value.toString();
  }
}
