package dev.chaperone.policy.masking;

/**
 * A value made from the keyed hash of a value: equal values stay equal. Text becomes 24 hexadecimal
 * digits, numbers become numbers without a sign.
 */
final class HashingMask extends ValueMask {
  /** Bytes of the hash that text shows. */
  private static final int TEXT_BYTES = 12;

  private static final long NUMERIC_BOUND = 1_000_000_000_000_000_000L;

  private final ValueType type;
  private final boolean binary;
  private final KeyedHash hash;
  private final ByteOutput plain = new ByteOutput(64);
  private final byte[] uuid = new byte[UuidFormat.BYTES];

  HashingMask(ValueType type, boolean binary, KeyedHash hash) {
    this.type = type;
    this.binary = binary;
    this.hash = hash;
  }

  static boolean supports(ValueType type) {
    return switch (type) {
      case TEXT, JSON, JSONB, XML, INT2, INT4, INT8, OID, NUMERIC, UUID, BYTEA -> true;
      default -> false;
    };
  }

  @Override
  public boolean isPrepared() {
    return switch (type) {
      case TEXT, XML, JSON, JSONB -> true;
      default -> false;
    };
  }

  @Override
  public void prepare(int offset, int length) {
    if (length != NULL_LENGTH) {
      int version = version(length);
      hash.prepare(offset + version, length - version);
    }
  }

  /** Bytes before the text of a value. */
  private int version(int length) {
    return type == ValueType.JSONB && binary && length > 0 ? 1 : 0;
  }

  @Override
  public boolean write(byte[] value, int offset, int length, ByteOutput out) {
    if (length == NULL_LENGTH) {
      return false;
    }
    switch (type) {
      case INT2, INT4, INT8, OID -> {
        IntegerFormat format = IntegerFormat.of(type);
        long number = format.read(value, offset, length, binary);
        if (number == IntegerFormat.INVALID) {
          return false;
        }
        hash.of(number);
        long masked = hash.next() & Long.MAX_VALUE & format.max();
        format.write(masked, binary, out);
      }
      case NUMERIC -> {
        return writeNumeric(value, offset, length, out);
      }
      case UUID -> {
        if (!UuidFormat.read(value, offset, length, binary, uuid)) {
          return false;
        }
        System.arraycopy(hash.of(uuid, 0, uuid.length), 0, uuid, 0, uuid.length);
        UuidFormat.write(uuid, binary, out);
      }
      case BYTEA -> {
        plain.clear();
        ByteaFormat.read(value, offset, length, binary, plain);
        ByteaFormat.write(hash.of(plain.array(), 0, plain.length()), TEXT_BYTES, binary, out);
      }
      case JSON, JSONB -> {
        int version = version(length);
        if (type == ValueType.JSONB) {
          JsonFormat.version(binary, out);
        }
        out.put('"');
        Hex.write(hash.of(value, offset + version, length - version), 0, TEXT_BYTES, out);
        out.put('"');
      }
      default -> Hex.write(hash.of(value, offset, length), 0, TEXT_BYTES, out);
    }
    return true;
  }

  private boolean writeNumeric(byte[] value, int offset, int length, ByteOutput out) {
    plain.clear();
    if (!NumericFormat.read(value, offset, length, binary, plain)) {
      return false;
    }
    hash.of(plain.array(), 0, significant(plain));
    plain.clear().putAscii(Long.toString(hash.next(NUMERIC_BOUND)));
    NumericFormat.write(plain.array(), plain.length(), binary, out);
    return true;
  }

  /** 1.50 is equal to 1.5. */
  private static int significant(ByteOutput text) {
    byte[] bytes = text.array();
    int end = text.length();
    for (int i = 0; i < text.length(); i++) {
      if (bytes[i] == '.') {
        while (bytes[end - 1] == '0') {
          end--;
        }
        return bytes[end - 1] == '.' ? end - 1 : end;
      }
    }
    return end;
  }
}
