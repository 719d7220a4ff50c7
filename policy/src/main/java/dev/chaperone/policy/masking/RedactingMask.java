package dev.chaperone.policy.masking;

import java.nio.charset.StandardCharsets;

/** One fixed value for any value and for none. */
final class RedactingMask extends ValueMask {
  private static final byte[] TEXT = "[redacted]".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] QUOTED = "\"[redacted]\"".getBytes(StandardCharsets.US_ASCII);

  private final ValueType type;
  private final boolean binary;

  RedactingMask(ValueType type, boolean binary) {
    this.type = type;
    this.binary = binary;
  }

  /** The fixed text itself. */
  static void writeText(ByteOutput out) {
    out.put(TEXT);
  }

  @Override
  public boolean write(byte[] value, int offset, int length, ByteOutput out) {
    switch (type) {
      case TEXT, XML -> out.put(TEXT);
      case JSON -> out.put(QUOTED);
      case JSONB -> {
        JsonFormat.version(binary, out);
        out.put(QUOTED);
      }
      case BYTEA -> ByteaFormat.write(TEXT, TEXT.length, binary, out);
      default -> {
        return false;
      }
    }
    return true;
  }
}
