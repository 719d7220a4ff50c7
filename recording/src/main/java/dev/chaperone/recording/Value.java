package dev.chaperone.recording;

import java.util.Objects;

/**
 * A bound value, or a value of a row as the agent got it.
 *
 * @param kind what is kept of it
 * @param binary whether the bytes are in the type's binary format, else text
 * @param type the oid of its type; 0 where it is not known or the column says it
 * @param bytes what is kept; at most {@link #MAX_BYTES}
 * @param length of the whole value in bytes
 */
public record Value(Kind kind, boolean binary, long type, Bytes bytes, long length) {
  /** How much of one value is kept. */
  public static final int MAX_BYTES = 1 << 10;

  /** What is kept of a value. */
  public enum Kind {
    /** It was null. */
    NULL(0),
    /** All of it. */
    WHOLE(1),
    /** Its beginning. */
    CUT(2),
    /** What a mask left of it; nothing for a bound value that meets a protected column. */
    MASKED(3);

    private final int code;

    Kind(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  public Value {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(bytes, "bytes");
  }

  /** A null. */
  public static Value ofNull(long type) {
    return new Value(Kind.NULL, false, type, Bytes.EMPTY, 0);
  }

  /**
   * A value, of which at most {@link #MAX_BYTES} are kept.
   *
   * @param kept its first bytes: all of them, or {@link #MAX_BYTES}
   */
  public static Value of(boolean binary, long type, Bytes kept, long length) {
    return new Value(length > kept.length() ? Kind.CUT : Kind.WHOLE, binary, type, kept, length);
  }

  /** A value that is protected; nothing of it is kept, not even its length. */
  public static Value protectedValue(boolean binary, long type) {
    return new Value(Kind.MASKED, binary, type, Bytes.EMPTY, 0);
  }

  /** What a mask left of a value. */
  public static Value masked(boolean binary, long type, Bytes kept) {
    return new Value(Kind.MASKED, binary, type, kept, kept.length());
  }
}
