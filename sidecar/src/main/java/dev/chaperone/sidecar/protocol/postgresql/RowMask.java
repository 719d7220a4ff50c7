package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.ByteOutput;
import dev.chaperone.policy.masking.KeyedHash;
import dev.chaperone.policy.masking.TextDetectors;
import dev.chaperone.policy.masking.ValueMask;
import dev.chaperone.policy.masking.ValueType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Masks the rows of one result, each as a whole: columns by their mask, the text of others by what
 * detectors find in it. PostgreSQL documentation, "Message Formats": DataRow.
 *
 * <p>Takes many rows at a time. All of them are read and checked before the first is written, so
 * that the values which masks hash are known together; what stands between masked values is copied
 * as it is.
 *
 * <p>Used by one event loop.
 */
final class RowMask {
  /** Of a message: its header, and how many columns there are. */
  private static final int ROW_START_BYTES = MessageFramer.HEADER_BYTES + Short.BYTES;

  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle SHORTS =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);

  /** What becomes of a column's values. */
  record Column(ValueMask mask, ValueType type, boolean binary, boolean scanned) {
    static final Column FREE = new Column(null, ValueType.PLAIN, false, false);

    boolean isFree() {
      return mask == null && !scanned;
    }
  }

  /** What is done with a value when it is read. */
  private enum Reading {
    PASSED,
    NOTED,
    PREPARED
  }

  private final Reading[] readings;

  /** Those that are not free. */
  private final Column[] columns;

  private final TextDetectors detectors;
  private final KeyedHash hash;

  /**
   * A mask for rows of these columns.
   *
   * @param detectors null where none is in force
   * @param hash what the columns' masks are keyed with
   */
  RowMask(Column[] columns, TextDetectors detectors, KeyedHash hash) {
    this.readings = new Reading[columns.length];
    Column[] looked = new Column[columns.length];
    int count = 0;
    for (int i = 0; i < columns.length; i++) {
      readings[i] = reading(columns[i]);
      if (readings[i] != Reading.PASSED) {
        looked[count++] = columns[i];
      }
    }
    this.columns = Arrays.copyOf(looked, count);
    this.detectors = detectors;
    this.hash = hash;
  }

  private static Reading reading(Column column) {
    if (column.isFree()) {
      return Reading.PASSED;
    }
    return column.mask() != null && column.mask().isPrepared() ? Reading.PREPARED : Reading.NOTED;
  }

  /**
   * Masks rows.
   *
   * @param room holds whole DataRow messages; takes those to pass on, as many in the same order
   * @return how many values were replaced
   */
  int write(MaskRoom room) {
    hash.begin(room.hashes(), room.in());
    try {
      read(room);
      hash.compute();
      return write(room.in(), room.length(), room.places(0), room.out());
    } finally {
      hash.end();
    }
  }

  /** Checks all rows, and takes note of where the values stand that are looked at. */
  private void read(MaskRoom room) {
    byte[] in = room.in();
    int length = room.length();
    int[] places = room.places(0);
    int count = 0;
    int at = 0;
    while (at < length) {
      int end = end(in, at, length);
      at += MessageFramer.HEADER_BYTES;
      if (end - at < Short.BYTES || ((short) SHORTS.get(in, at) & 0xffff) != readings.length) {
        throw malformed();
      }
      at += Short.BYTES;
      places = room.places(count + 2 * columns.length);
      int column = 0;
      for (Reading reading : readings) {
        if (end - at < Integer.BYTES) {
          throw malformed();
        }
        int size = (int) INTS.get(in, at);
        at += Integer.BYTES;
        if (size < ValueMask.NULL_LENGTH || size > end - at) {
          throw malformed();
        }
        if (reading != Reading.PASSED) {
          places[count++] = at;
          places[count++] = size;
          if (reading == Reading.PREPARED) {
            columns[column].mask().prepare(at, size);
          }
          column++;
        }
        at += Math.max(size, 0);
      }
      if (at != end) {
        throw malformed();
      }
    }
  }

  private static int end(byte[] in, int at, int length) {
    if (length - at < MessageFramer.HEADER_BYTES || in[at] != BackendMessage.DATA_ROW) {
      throw malformed();
    }
    int size = (int) INTS.get(in, at + 1);
    if (size < Integer.BYTES || size > length - at - 1) {
      throw malformed();
    }
    return at + 1 + size;
  }

  private int write(byte[] in, int length, int[] places, ByteOutput out) {
    int masked = 0;
    int next = 0;
    int at = 0;
    while (at < length) {
      int end = at + 1 + (int) INTS.get(in, at + 1);
      int rowAt = out.claim(ROW_START_BYTES);
      out.array()[rowAt] = BackendMessage.DATA_ROW;
      out.setShort(rowAt + MessageFramer.HEADER_BYTES, readings.length);
      at += ROW_START_BYTES;
      for (Column column : columns) {
        int start = places[next++];
        int size = places[next++];
        out.put(in, at, start - Integer.BYTES - at);
        at = start + Math.max(size, 0);
        masked += value(column, in, start, size, out);
      }
      out.put(in, at, end - at);
      out.setInt(rowAt + 1, out.length() - rowAt - 1);
      at = end;
    }
    return masked;
  }

  /** Writes length and value; returns whether it is another value, as 0 or 1. */
  private int value(Column column, byte[] in, int start, int size, ByteOutput out) {
    int lengthAt = out.claim(Integer.BYTES);
    if (column.mask() != null) {
      boolean there = column.mask().write(in, start, size, out);
      finish(lengthAt, there, out);
      return there || size >= 0 ? 1 : 0;
    }
    if (size < 0) {
      finish(lengthAt, false, out);
      return 0;
    }
    switch (detectors.mask(in, start, size, column.type(), column.binary(), out)) {
      case UNCHANGED:
        out.put(in, start, size);
        finish(lengthAt, true, out);
        return 0;
      case REPLACED:
        finish(lengthAt, true, out);
        return 1;
      default:
        finish(lengthAt, false, out);
        return 1;
    }
  }

  private static void finish(int lengthAt, boolean there, ByteOutput out) {
    int valueAt = lengthAt + Integer.BYTES;
    if (there) {
      out.setInt(lengthAt, out.length() - valueAt);
    } else {
      out.truncate(valueAt);
      out.setInt(lengthAt, ValueMask.NULL_LENGTH);
    }
  }

  private static ProtocolViolation malformed() {
    return new ProtocolViolation("target: malformed row");
  }
}
