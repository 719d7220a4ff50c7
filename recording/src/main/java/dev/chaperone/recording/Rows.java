package dev.chaperone.recording;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The first rows of a result as the agent got them. Kept as bytes, because most recordings are
 * written and never read: for each row the number of its values (2 bytes), for each value its
 * length (4 bytes, -1 for null) and its first {@link #MAX_VALUE_BYTES}.
 */
public final class Rows {
  /** How much of one value is kept. */
  public static final int MAX_VALUE_BYTES = Value.MAX_BYTES;

  /** How much of all rows of one operation is kept, in bytes. */
  public static final int MAX_BYTES = 16 << 10;

  /** No rows. */
  public static final Rows NONE = new Rows(Bytes.EMPTY, 0, new byte[0], 0);

  private static final int MAX_FORMATS = 1 << 11;

  private final Bytes formats;
  private final int count;
  private final byte[] block;
  private final int length;

  private Rows(Bytes formats, int count, byte[] block, int length) {
    this.formats = formats;
    this.count = count;
    this.block = block;
    this.length = length;
  }

  /**
   * Rows in the form described above.
   *
   * @param formats of the columns, 1 for binary: none where all are text, one for all, or one each
   * @param count how many rows
   * @param block holds them at its beginning; taken over
   * @param length how much of the block they take, at most {@link #MAX_BYTES}
   */
  public static Rows of(Bytes formats, int count, byte[] block, int length) {
    Objects.checkFromIndexSize(0, length, Math.min(block.length, MAX_BYTES));
    return new Rows(formats.length() > MAX_FORMATS ? Bytes.EMPTY : formats, count, block, length);
  }

  /** How many there are. */
  public int count() {
    return count;
  }

  /** The values of each row. */
  public List<List<Value>> values() {
    ByteBuffer in = ByteBuffer.wrap(block, 0, length);
    List<List<Value>> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int width = Short.toUnsignedInt(in.getShort());
      List<Value> row = new ArrayList<>();
      for (int column = 0; column < width; column++) {
        int bytes = in.getInt();
        if (bytes < 0) {
          row.add(Value.ofNull(0));
        } else {
          byte[] kept = new byte[Math.min(bytes, MAX_VALUE_BYTES)];
          in.get(kept);
          row.add(Value.of(isBinary(column), 0, Bytes.of(kept), bytes));
        }
      }
      rows.add(row);
    }
    return rows;
  }

  private boolean isBinary(int column) {
    if (formats.length() == 0) {
      return false;
    }
    int index = formats.length() == 1 ? 0 : column;
    return index < formats.length() && formats.array()[index] == 1;
  }

  void write(PayloadWriter out) {
    out.bytes(formats);
    out.number(count);
    out.number(length);
    out.raw(block, 0, length);
  }

  static Rows read(PayloadReader in) throws MalformedRecordingException {
    Bytes formats = in.bytes(MAX_FORMATS);
    int count = in.number(MAX_BYTES);
    Bytes block = in.bytes(MAX_BYTES);
    requireShape(ByteBuffer.wrap(block.array()), count);
    return new Rows(formats, count, block.array(), block.length());
  }

  private static void requireShape(ByteBuffer in, int count) throws MalformedRecordingException {
    for (int i = 0; i < count; i++) {
      require(in, Short.BYTES);
      int width = Short.toUnsignedInt(in.getShort());
      for (int column = 0; column < width; column++) {
        require(in, Integer.BYTES);
        int bytes = in.getInt();
        if (bytes < -1) {
          throw new MalformedRecordingException("a value has an impossible length");
        }
        int kept = Math.min(Math.max(bytes, 0), MAX_VALUE_BYTES);
        require(in, kept);
        in.position(in.position() + kept);
      }
    }
    if (in.hasRemaining()) {
      throw new MalformedRecordingException("rows are longer than what they hold");
    }
  }

  private static void require(ByteBuffer in, int bytes) throws MalformedRecordingException {
    if (in.remaining() < bytes) {
      throw new MalformedRecordingException("rows are shorter than what they hold");
    }
  }
}
