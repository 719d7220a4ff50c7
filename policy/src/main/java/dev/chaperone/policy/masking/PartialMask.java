package dev.chaperone.policy.masking;

/**
 * The last four characters behind a fixed number of stars, so that the length does not show; of an
 * e-mail address the first letter and the domain. Values of fewer than eight characters are
 * redacted: four of them would be most of it.
 */
final class PartialMask extends ValueMask {
  static final PartialMask INSTANCE = new PartialMask();

  private static final int SHORTEST = 8;
  private static final int SHOWN = 4;

  /** A local part as short as this is not shown at all. */
  private static final int SHORT_LOCAL_PART = 2;

  private static final int FOUR_STARS = '*' << 24 | '*' << 16 | '*' << 8 | '*';

  private PartialMask() {}

  @Override
  public boolean write(byte[] value, int offset, int length, ByteOutput out) {
    if (length == NULL_LENGTH) {
      return false;
    }
    int end = offset + length;
    if (isShort(value, offset, end)) {
      RedactingMask.writeText(out);
      return true;
    }
    int at = emailSign(value, offset, end);
    if (at >= 0) {
      if (at - offset > SHORT_LOCAL_PART) {
        out.put(value, offset, 1);
      }
      out.put('*').put('*').put('*').put(value, at, end - at);
      return true;
    }
    int from = end;
    for (int characters = 0; characters < SHOWN; characters++) {
      int last = from - 1;
      from = last;
      while (from > offset && isContinuation(value[from])) {
        from--;
      }
      if (last - from != continuations(value[from])) {
        // No UTF-8: four characters may be any number of bytes.
        RedactingMask.writeText(out);
        return true;
      }
    }
    out.putInt(FOUR_STARS);
    // So few bytes are sooner moved one by one than by a call.
    int to = out.claim(end - from);
    byte[] bytes = out.array();
    for (int i = from; i < end; i++) {
      bytes[to++] = value[i];
    }
    return true;
  }

  private static boolean isShort(byte[] value, int offset, int end) {
    int characters = 0;
    for (int i = offset; i < end && characters < SHORTEST; i++) {
      if (!isContinuation(value[i])) {
        characters++;
      }
    }
    return characters < SHORTEST;
  }

  /** How many bytes follow the first one of a character; RFC 3629, section 3. */
  private static int continuations(byte first) {
    int ones = Integer.numberOfLeadingZeros(~(first << 24));
    return ones == 0 ? 0 : ones >= 2 && ones <= 4 ? ones - 1 : -1;
  }

  private static boolean isContinuation(byte b) {
    return (b & 0xC0) == 0x80;
  }

  /** Where the sign of an e-mail address stands that the value is; -1 where it is none. */
  private static int emailSign(byte[] value, int offset, int end) {
    int sign = -1;
    boolean dot = false;
    for (int i = offset; i < end; i++) {
      byte b = value[i];
      if (b == '@') {
        if (sign >= 0 || i == offset || value[offset] < 0) {
          return -1;
        }
        sign = i;
      } else if (b <= ' ' && b >= 0) {
        return -1;
      } else if (sign >= 0) {
        if (b != '.' && b != '-' && !Characters.isAlphanumeric(b)) {
          return -1;
        }
        dot |= b == '.' && i > sign + 1 && i < end - 2;
      }
    }
    return dot ? sign : -1;
  }
}
