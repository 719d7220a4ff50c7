package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.ProtectedColumns;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Takes out of errors and notices what may show masked values. The target writes values into them:
 * the failing row, the key that is there already, what could not be cast. PostgreSQL documentation,
 * "Error and Notice Message Fields".
 */
final class ErrorScrubber {
  private static final String WITHHELD =
      "The target's own words are withheld: the statement is about tables that have masked columns.";

  private static final Set<String> SEVERITIES =
      Set.of("ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "DEBUG", "INFO", "LOG");

  private static final Pattern POSITION = Pattern.compile("[0-9]{1,10}");
  private static final String WORDS = "MDHWqstcdn";

  private final ResultMasks masks;

  ErrorScrubber(ResultMasks masks) {
    this.masks = masks;
  }

  /** Whether an error names a relation that has masked columns as what it is about. */
  static boolean isAbout(ByteBuf buffer, int start, int length, ProtectedColumns columns) {
    if (columns.isEmpty()) {
      return false;
    }
    String table = ErrorFields.text(buffer, start, length, (byte) 't');
    return !table.isEmpty()
        && columns.protects(ErrorFields.text(buffer, start, length, (byte) 's') + "." + table);
  }

  /**
   * The message with nothing of the target's words: its condition, where in the statement it is,
   * and the relation that it is about. A function can raise an error whose every field is text of
   * its choice (RAISE ... USING, in PostgreSQL's documentation of PL/pgSQL), so that each is kept
   * only where it says what the gateway knows: a severity, a code that PostgreSQL defines, a
   * number, names that the catalog has. Constraints and types are not in there.
   *
   * @param type ErrorResponse or NoticeResponse
   */
  static ByteBuf withheld(
      ByteBufAllocator allocator,
      byte type,
      ByteBuf buffer,
      int start,
      int length,
      Catalog catalog) {
    ErrorFields.requireWhole(buffer, start, length);
    String severity = ErrorFields.text(buffer, start, length, (byte) 'V');
    if (!SEVERITIES.contains(severity)) {
      severity = type == BackendMessage.ERROR_RESPONSE ? "ERROR" : "NOTICE";
    }
    String code = ErrorFields.sqlState(buffer, start, length);
    ByteBuf out = allocator.buffer(256);
    int at = begin(out, type);
    field(out, 'S', severity);
    field(out, 'V', severity);
    field(out, 'C', ConditionNames.shown(code));
    field(out, 'M', ConditionNames.of(code));
    field(out, 'D', WITHHELD);
    String position = ErrorFields.text(buffer, start, length, (byte) 'P');
    if (POSITION.matcher(position).matches()) {
      field(out, 'P', position);
    }
    relation(out, buffer, start, length, catalog);
    out.writeByte(0);
    return end(out, at);
  }

  private static void relation(
      ByteBuf out, ByteBuf buffer, int start, int length, Catalog catalog) {
    String schema = ErrorFields.text(buffer, start, length, (byte) 's');
    String table = ErrorFields.text(buffer, start, length, (byte) 't');
    String column = ErrorFields.text(buffer, start, length, (byte) 'c');
    if (!catalog.knows(schema, table, "")) {
      return;
    }
    field(out, 's', schema);
    field(out, 't', table);
    if (!column.isEmpty() && catalog.knows(schema, table, column)) {
      field(out, 'c', column);
    }
  }

  /** The message with what detectors recognise replaced; null where there is nothing. */
  ByteBuf detected(
      ByteBufAllocator allocator,
      byte type,
      ByteBuf buffer,
      int start,
      int length,
      Masks inForce,
      Catalog catalog) {
    if (inForce.detectors().isEmpty()) {
      return null;
    }
    ByteBuf out = allocator.buffer(length + 256);
    int at = begin(out, type);
    boolean changed = false;
    try {
      BodyReader body = new BodyReader(buffer, start, length);
      for (byte code = body.readByte(); code != 0; code = body.readByte()) {
        int from = body.position();
        int to = body.skipCString();
        out.writeByte(code);
        if (isWords(code) && masks.line(inForce, catalog, buffer, from, to - from, out)) {
          changed = true;
          out.writeByte(0);
        } else {
          out.writeBytes(buffer, from, to - from + 1);
        }
      }
      out.writeByte(0);
    } catch (MalformedMessage e) {
      out.release();
      throw new ProtocolViolation("target: malformed error message");
    }
    if (!changed) {
      out.release();
      return null;
    }
    return end(out, at);
  }

  /** What a function can choose; the others are PostgreSQL's own. */
  private static boolean isWords(byte code) {
    return WORDS.indexOf(code) >= 0;
  }

  private static int begin(ByteBuf out, byte type) {
    out.writeByte(type);
    int at = out.writerIndex();
    out.writeInt(0);
    return at;
  }

  private static ByteBuf end(ByteBuf out, int at) {
    return out.setInt(at, out.writerIndex() - at);
  }

  private static void field(ByteBuf out, char code, String text) {
    out.writeByte(code);
    MessageWriter.cString(out, text);
  }
}
