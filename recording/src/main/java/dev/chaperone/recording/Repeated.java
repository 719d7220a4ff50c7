package dev.chaperone.recording;

import java.util.Objects;

/**
 * Something that comes again in many events. It is written once in a segment and referred to by
 * number; to find it again costs no more than a look into a table when the same object is used.
 *
 * @param <T> compared by value
 */
public final class Repeated<T> {
  /** Where this object was last found to be defined. */
  private record Defined(Object segment, int number) {}

  private final T value;

  /** 0 until somebody asks: most are found by the object. */
  private int hash;

  /** Read and written by several threads at will: whichever they see is true. */
  private Defined defined;

  private Repeated(T value) {
    this.value = Objects.requireNonNull(value, "value");
  }

  public static <T> Repeated<T> of(T value) {
    return new Repeated<>(value);
  }

  public T value() {
    return value;
  }

  /** Its number in a segment, where this very object was found to have one; else 0. */
  @SuppressWarnings("ReferenceEquality") // A segment is itself alone.
  int numberIn(Object segment) {
    Defined known = defined;
    return known != null && known.segment() == segment ? known.number() : 0;
  }

  void hasNumber(Object segment, int number) {
    defined = new Defined(segment, number);
  }

  @Override
  public boolean equals(Object other) {
    return this == other
        || (other instanceof Repeated<?> that
            && hashCode() == that.hashCode()
            && value.equals(that.value));
  }

  @Override
  public int hashCode() {
    if (hash == 0) {
      hash = value.hashCode();
    }
    return hash;
  }

  @Override
  public String toString() {
    return value.toString();
  }
}
