package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The columns of a result, as RowDescription gives them. PostgreSQL documentation, "Message
 * Formats". Immutable.
 */
final class RowLayout {
  private static final int BINARY = 1;

  /** What follows a name: table, attribute, type, size, modifier, format. */
  private static final int COLUMN_BYTES = 4 + 2 + 4 + 2 + 4 + 2;

  /** The message's body; shared by the same columns in other formats. */
  private final byte[] description;

  private final int[] tables;
  private final int[] numbers;
  private final int[] types;
  private final int[] formats;

  private RowLayout(byte[] description, int columns) {
    this.description = description;
    tables = new int[columns];
    numbers = new int[columns];
    types = new int[columns];
    formats = new int[columns];
  }

  /** Reads the body of a RowDescription. */
  static RowLayout read(ByteBuf buffer, int start, int length) {
    try {
      BodyReader body = new BodyReader(buffer, start, length);
      RowLayout layout =
          new RowLayout(ByteBufUtil.getBytes(buffer, start, length, true), body.readShort());
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
    RowLayout layout = new RowLayout(description, columns());
    for (int i = 0; i < columns(); i++) {
      layout.tables[i] = tables[i];
      layout.numbers[i] = numbers[i];
      layout.types[i] = types[i];
      layout.formats[i] = codes.length == 0 ? 0 : codes[codes.length == 1 ? 0 : i];
    }
    return layout;
  }

  /** Whether the target described them by the same bytes, but for the formats of a Bind. */
  boolean isDescribedAs(RowLayout other) {
    return description == other.description || Arrays.equals(description, other.description);
  }

  /** How long the target's description of them is. */
  int descriptionBytes() {
    return description.length;
  }

  /** The names of the columns, as the client is told. */
  List<String> names() {
    List<String> names = new ArrayList<>(columns());
    int at = Short.BYTES;
    for (int i = 0; i < columns(); i++) {
      int end = at;
      while (description[end] != 0) {
        end++;
      }
      names.add(new String(description, at, end - at, StandardCharsets.UTF_8));
      at = end + 1 + COLUMN_BYTES;
    }
    return names;
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
