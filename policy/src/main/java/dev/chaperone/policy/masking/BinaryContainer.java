package dev.chaperone.policy.masking;

import dev.chaperone.policy.masking.TextDetectors.Outcome;

/**
 * Arrays and rows in binary format, taken apart and put together again with other elements:
 * array_send in the server's arrayfuncs.c, record_send in rowtypes.c. What does not have that form
 * is removed.
 */
final class BinaryContainer {
  private static final int MAX_DIMENSIONS = 6;

  /** Masks one element. */
  interface Elements {
    Outcome mask(int typeOid, byte[] value, int offset, int length, ByteOutput out);
  }

  private final byte[] value;
  private final int end;
  private final ByteOutput out;
  private final int start;
  private int at;
  private boolean changed;
  private boolean removed;

  private BinaryContainer(byte[] value, int offset, int length, ByteOutput out) {
    this.value = value;
    this.at = offset;
    this.end = offset + length;
    this.out = out;
    this.start = out.length();
  }

  static Outcome array(byte[] value, int offset, int length, ByteOutput out, Elements elements) {
    return new BinaryContainer(value, offset, length, out).array(elements);
  }

  static Outcome row(byte[] value, int offset, int length, ByteOutput out, Elements elements) {
    return new BinaryContainer(value, offset, length, out).row(elements);
  }

  private Outcome array(Elements elements) {
    if (end - at < 12) {
      return Outcome.REMOVED;
    }
    int dimensions = copyInt();
    int nullsAt = out.length();
    copyInt();
    int type = copyInt();
    if (dimensions < 0 || dimensions > MAX_DIMENSIONS || end - at < 8 * dimensions) {
      return fail();
    }
    for (int i = 0; i < 2 * dimensions; i++) {
      copyInt();
    }
    while (at < end) {
      if (!element(type, elements)) {
        return fail();
      }
    }
    if (removed) {
      out.setInt(nullsAt, 1);
    }
    return finish();
  }

  private Outcome row(Elements elements) {
    if (end - at < 4) {
      return Outcome.REMOVED;
    }
    copyInt();
    while (at < end) {
      if (end - at < 8) {
        return fail();
      }
      int type = copyInt();
      if (!element(type, elements)) {
        return fail();
      }
    }
    return finish();
  }

  /** A length and a value; false where they are not there. */
  private boolean element(int type, Elements elements) {
    if (end - at < 4) {
      return false;
    }
    int lengthAt = out.length();
    int length = copyInt();
    if (length == ValueMask.NULL_LENGTH) {
      return true;
    }
    if (length < 0 || end - at < length) {
      return false;
    }
    switch (elements.mask(type, value, at, length, out)) {
      case UNCHANGED -> out.put(value, at, length);
      case REPLACED -> {
        out.setInt(lengthAt, out.length() - lengthAt - 4);
        changed = true;
      }
      case REMOVED -> {
        out.truncate(lengthAt + 4);
        out.setInt(lengthAt, ValueMask.NULL_LENGTH);
        changed = true;
        removed = true;
      }
    }
    at += length;
    return true;
  }

  private int copyInt() {
    int number =
        (value[at] & 0xff) << 24
            | (value[at + 1] & 0xff) << 16
            | (value[at + 2] & 0xff) << 8
            | (value[at + 3] & 0xff);
    out.putInt(number);
    at += 4;
    return number;
  }

  private Outcome finish() {
    if (changed) {
      return Outcome.REPLACED;
    }
    out.truncate(start);
    return Outcome.UNCHANGED;
  }

  private Outcome fail() {
    out.truncate(start);
    return Outcome.REMOVED;
  }
}
