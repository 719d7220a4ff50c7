package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;

/**
 * The columns of a result, as RowDescription gives them. PostgreSQL documentation, "Message
 * Formats". Immutable.
 */
final class RowLayout {
  private static final int BINARY = 1;

  private final int[] tables;
  private final int[] numbers;
  private final int[] types;
  private final int[] formats;

  private RowLayout(int columns) {
    tables = new int[columns];
    numbers = new int[columns];
    types = new int[columns];
    formats = new int[columns];
  }

  /** Reads the body of a RowDescription. */
  static RowLayout read(ByteBuf buffer, int start, int length) {
    try {
      BodyReader body = new BodyReader(buffer, start, length);
      RowLayout layout = new RowLayout(body.readShort());
      for (int i = 0; i < layout.columns(); i++) {
        body.skipCString();
        layout.tables[i] = body.readInt();
        layout.numbers[i] = (short) body.readShort();
        layout.types[i] = body.readInt();
        body.skip(Short.BYTES + Integer.BYTES);
        layout.formats[i] = body.readShort();
      }
      body.requireEnd();
      return layout;
    } catch (MalformedMessage e) {
      throw new ProtocolViolation("target: malformed row description");
    }
  }

  /**
   * The same columns in the formats that a Bind asks for: none, one for all, or one each.
   *
   * @return null where the formats do not fit; the target refuses such a Bind
   */
  RowLayout inFormats(int[] codes) {
    if (codes.length > 1 && codes.length != columns()) {
      return null;
    }
    RowLayout layout = new RowLayout(columns());
    for (int i = 0; i < columns(); i++) {
      layout.tables[i] = tables[i];
      layout.numbers[i] = numbers[i];
      layout.types[i] = types[i];
      layout.formats[i] = codes.length == 0 ? 0 : codes[codes.length == 1 ? 0 : i];
    }
    return layout;
  }

  int columns() {
    return tables.length;
  }

  /** The relation a column comes from, by number; 0 for none. */
  long table(int column) {
    return Integer.toUnsignedLong(tables[column]);
  }

  /** The column's number in its relation; 0 for none, or for the whole row. */
  int number(int column) {
    return numbers[column];
  }

  int type(int column) {
    return types[column];
  }

  boolean isBinary(int column) {
    return formats[column] == BINARY;
  }
}
