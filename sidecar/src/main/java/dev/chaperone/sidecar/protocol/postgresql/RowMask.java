package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.ByteOutput;
import dev.chaperone.policy.masking.TextDetectors;
import dev.chaperone.policy.masking.ValueMask;
import dev.chaperone.policy.masking.ValueType;
import io.netty.buffer.ByteBuf;

/**
 * Masks the rows of one result, each as a whole: columns by their mask, the text of others by what
 * detectors find in it. PostgreSQL documentation, "Message Formats": DataRow.
 *
 * <p>Used by one event loop.
 */
final class RowMask {
  /** What becomes of a column's values. */
  record Column(ValueMask mask, ValueType type, boolean binary, boolean scanned) {
    static final Column FREE = new Column(null, ValueType.PLAIN, false, false);

    boolean isFree() {
      return mask == null && !scanned;
    }
  }

  private final Column[] columns;
  private final TextDetectors detectors;
  private final ByteOutput out;

  /**
   * A mask for rows of these columns.
   *
   * @param detectors null where none is in force
   * @param out what rows are put together in; shared with others of the same client
   */
  RowMask(Column[] columns, TextDetectors detectors, ByteOutput out) {
    this.columns = columns;
    this.detectors = detectors;
    this.out = out;
  }

  /**
   * Masks a row.
   *
   * @param row the body of a DataRow
   * @param to takes the whole message
   * @return how many values were replaced
   */
  int write(byte[] row, int length, ByteBuf to) {
    if (length < Short.BYTES || unsignedShort(row, 0) != columns.length) {
      throw malformed();
    }
    int masked = 0;
    int at = Short.BYTES;
    int copied = 0;
    out.clear();
    for (Column column : columns) {
      if (length - at < Integer.BYTES) {
        throw malformed();
      }
      int size = integer(row, at);
      int start = at + Integer.BYTES;
      int next = start + Math.max(size, 0);
      if (size < ValueMask.NULL_LENGTH || next > length || next < start) {
        throw malformed();
      }
      if (!column.isFree()) {
        out.put(row, copied, at - copied);
        copied = next;
        masked += value(column, row, start, size);
      }
      at = next;
    }
    if (at != length) {
      throw malformed();
    }
    out.put(row, copied, length - copied);
    to.writeByte(BackendMessage.DATA_ROW);
    to.writeInt(out.length() + Integer.BYTES);
    to.writeBytes(out.array(), 0, out.length());
    return masked;
  }

  /** Writes length and value; returns whether it is another value, as 0 or 1. */
  private int value(Column column, byte[] row, int start, int size) {
    int lengthAt = out.length();
    out.putInt(size);
    if (column.mask() != null) {
      boolean there = column.mask().write(row, start, size, out);
      return finish(lengthAt, there, there || size >= 0);
    }
    if (size < 0) {
      return 0;
    }
    switch (detectors.mask(row, start, size, column.type(), column.binary(), out)) {
      case UNCHANGED:
        out.put(row, start, size);
        return 0;
      case REPLACED:
        return finish(lengthAt, true, true);
      default:
        return finish(lengthAt, false, true);
    }
  }

  private int finish(int lengthAt, boolean there, boolean changed) {
    if (there) {
      out.setInt(lengthAt, out.length() - lengthAt - Integer.BYTES);
    } else {
      out.truncate(lengthAt + Integer.BYTES);
      out.setInt(lengthAt, ValueMask.NULL_LENGTH);
    }
    return changed ? 1 : 0;
  }

  private static int unsignedShort(byte[] row, int at) {
    return ((row[at] & 0xff) << 8) | (row[at + 1] & 0xff);
  }

  private static int integer(byte[] row, int at) {
    return (unsignedShort(row, at) << 16) | unsignedShort(row, at + 2);
  }

  private static ProtocolViolation malformed() {
    return new ProtocolViolation("target: malformed row");
  }
}
