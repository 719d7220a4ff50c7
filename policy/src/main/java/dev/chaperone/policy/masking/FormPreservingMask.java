package dev.chaperone.policy.masking;

/**
 * Another value of the same form: digits for digits, letters for letters of the same case, all else
 * as it was; numbers of as many digits and the same sign; some date for a date. The same value
 * gives the same result within a session. A card number that passes the Luhn check still does.
 */
final class FormPreservingMask extends ValueMask {
  /** Dates and times fall into 1950-01-01 up to 2020, in seconds since 2000-01-01. */
  private static final long FIRST_SECOND = -1_577_923_200L;

  private static final long DAYS = 25_567;
  private static final long SECONDS_PER_DAY = 86_400L;

  private final ValueType type;
  private final boolean binary;
  private final KeyedHash hash;
  private final ByteOutput plain = new ByteOutput(64);
  private final byte[] uuid = new byte[UuidFormat.BYTES];

  FormPreservingMask(ValueType type, boolean binary, KeyedHash hash) {
    this.type = type;
    this.binary = binary;
    this.hash = hash;
  }

  static boolean supports(ValueType type) {
    return switch (type) {
      case TEXT, INT2, INT4, INT8, OID, NUMERIC, DATE, TIMESTAMP, TIMESTAMPTZ, UUID, BYTEA -> true;
      default -> false;
    };
  }

  @Override
  public boolean isPrepared() {
    return type == ValueType.TEXT;
  }

  @Override
  public void prepare(int offset, int length) {
    if (length != NULL_LENGTH) {
      hash.prepare(offset, length);
    }
  }

  @Override
  public boolean write(byte[] value, int offset, int length, ByteOutput out) {
    if (length == NULL_LENGTH) {
      return false;
    }
    switch (type) {
      case TEXT -> TextForm.write(value, offset, length, hash, out);
      case INT2, INT4, INT8, OID -> {
        IntegerFormat format = IntegerFormat.of(type);
        long number = format.read(value, offset, length, binary);
        if (number == IntegerFormat.INVALID || number == Long.MIN_VALUE) {
          return false;
        }
        hash.of(number);
        format.write(sameLength(number, format.max()), binary, out);
      }
      case NUMERIC -> {
        plain.clear();
        if (!NumericFormat.read(value, offset, length, binary, plain)) {
          return false;
        }
        otherDigits();
        NumericFormat.write(plain.array(), plain.length(), binary, out);
      }
      case DATE, TIMESTAMP, TIMESTAMPTZ -> {
        long moment = DateFormat.read(value, offset, length, type, binary);
        if (moment == DateFormat.UNREAD) {
          hash.of(value, offset, length);
        } else {
          hash.of(moment);
        }
        long seconds = FIRST_SECOND + hash.next(DAYS) * SECONDS_PER_DAY;
        if (type != ValueType.DATE) {
          seconds += hash.next(SECONDS_PER_DAY);
        }
        DateFormat.write(seconds, type, binary, out);
      }
      case UUID -> {
        if (!UuidFormat.read(value, offset, length, binary, uuid)) {
          return false;
        }
        System.arraycopy(hash.of(uuid, 0, uuid.length), 0, uuid, 0, uuid.length);
        UuidFormat.write(uuid, binary, out);
      }
      default -> {
        plain.clear();
        ByteaFormat.read(value, offset, length, binary, plain);
        hash.of(plain.array(), 0, plain.length());
        for (int i = 0; i < plain.length(); i++) {
          plain.array()[i] = (byte) hash.next();
        }
        ByteaFormat.write(plain.array(), plain.length(), binary, out);
      }
    }
    return true;
  }

  /** A number of as many digits, not above {@code max}, with the same sign. */
  private long sameLength(long number, long max) {
    long magnitude = Math.abs(number);
    long least = 1;
    long above = 10;
    while (above <= magnitude && above > 0) {
      least = above;
      above = above > Long.MAX_VALUE / 10 ? -1 : above * 10;
    }
    if (magnitude == 0) {
      least = 0;
    }
    long most = above < 0 ? max : Math.min(max, above - 1);
    long masked = least + hash.next(most - least + 1);
    return number < 0 ? -masked : masked;
  }

  private void otherDigits() {
    hash.of(plain.array(), 0, plain.length());
    byte[] text = plain.array();
    boolean first = true;
    for (int i = 0; i < plain.length(); i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        boolean leading = first && text[i] != '0' && plain.length() > 1;
        text[i] =
            (byte)
                (leading
                    ? '1' + hash.next(9)
                    : first && text[i] == '0' ? '0' : '0' + hash.next(10));
        first = false;
      }
    }
  }
}
