package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.ProtectedColumns;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.nio.charset.StandardCharsets;

/**
 * Takes out of errors and notices what may show masked values. The target writes values into them:
 * the failing row, the key that is there already, what could not be cast. PostgreSQL documentation,
 * "Error and Notice Message Fields".
 */
final class ErrorScrubber {
  private static final String WITHHELD =
      "The target's own words are withheld: the statement is about tables that have masked columns.";

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
   * The message with nothing of the target's words: its condition, and names of what it is about.
   *
   * @param type ErrorResponse or NoticeResponse
   */
  static ByteBuf withheld(
      ByteBufAllocator allocator, byte type, ByteBuf buffer, int start, int length) {
    ByteBuf out = allocator.buffer(length + 256);
    int at = begin(out, type);
    try {
      BodyReader body = new BodyReader(buffer, start, length);
      String condition = "";
      for (byte code = body.readByte(); code != 0; code = body.readByte()) {
        int from = body.position();
        int to = body.skipCString();
        switch (code) {
          case 'S', 'V', 'C', 'P', 's', 't', 'c', 'd', 'n', 'F', 'L', 'R' -> {
            out.writeByte(code).writeBytes(buffer, from, to - from + 1);
            if (code == 'C') {
              condition =
                  ConditionNames.of(buffer.toString(from, to - from, StandardCharsets.US_ASCII));
            }
          }
          default -> {}
        }
      }
      field(out, 'M', condition);
      field(out, 'D', WITHHELD);
      out.writeByte(0);
    } catch (MalformedMessage e) {
      out.release();
      throw new ProtocolViolation("target: malformed error message");
    }
    return end(out, at);
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

  private static boolean isWords(byte code) {
    return code == 'M' || code == 'D' || code == 'H' || code == 'W' || code == 'q';
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
