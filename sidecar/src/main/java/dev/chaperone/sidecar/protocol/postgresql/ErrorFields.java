package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;

/**
 * Reads single fields of an ErrorResponse or NoticeResponse. PostgreSQL documentation, "Error and
 * Notice Message Fields".
 */
final class ErrorFields {
  private static final byte SEVERITY = 'V';
  private static final byte SQL_STATE = 'C';
  private static final byte MESSAGE = 'M';

  /** No field has this code. */
  private static final byte NONE = -1;

  private ErrorFields() {}

  /**
   * Reads it to its end.
   *
   * @throws ProtocolViolation where it has none
   */
  static void requireWhole(ByteBuf buffer, int start, int length) {
    field(buffer, start, length, NONE);
  }

  static boolean isFatal(ByteBuf buffer, int start, int length) {
    String severity = field(buffer, start, length, SEVERITY);
    return severity.equals("FATAL") || severity.equals("PANIC");
  }

  static String sqlState(ByteBuf buffer, int start, int length) {
    return field(buffer, start, length, SQL_STATE);
  }

  static String message(ByteBuf buffer, int start, int length) {
    return text(buffer, start, length, MESSAGE);
  }

  /** A field as text; empty where the message has none. */
  static String text(ByteBuf buffer, int start, int length, byte wanted) {
    return field(buffer, start, length, wanted, StandardCharsets.UTF_8);
  }

  private static String field(ByteBuf buffer, int start, int length, byte wanted) {
    return field(buffer, start, length, wanted, StandardCharsets.US_ASCII);
  }

  private static String field(ByteBuf buffer, int start, int length, byte wanted, Charset charset) {
    try {
      BodyReader body = new BodyReader(buffer, start, length);
      while (true) {
        byte code = body.readByte();
        if (code == 0) {
          return "";
        }
        int valueStart = body.position();
        int valueEnd = body.skipCString();
        if (code == wanted) {
          return buffer.toString(valueStart, valueEnd - valueStart, charset);
        }
      }
    } catch (MalformedMessage e) {
      throw new ProtocolViolation("target: malformed error message");
    }
  }
}
