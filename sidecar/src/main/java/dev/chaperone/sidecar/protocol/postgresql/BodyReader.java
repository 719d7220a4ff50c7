package dev.chaperone.sidecar.protocol.postgresql;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Reads the fields of one message body and nothing beyond it.
 *
 * <p>Every method throws {@link MalformedMessage} instead of reading past the end.
 */
final class BodyReader {
  /**
   * The longest name, in bytes: NAMEDATALEN - 1. The server compares only these, so that two longer
   * names could be one to it and two to us.
   */
  static final int MAX_NAME_BYTES = 63;

  /** The body is not what its type promises; the frame itself is intact. */
  static final class MalformedMessage extends Exception {
    private static final long serialVersionUID = 1L;
    private final String sqlState;

    MalformedMessage(String sqlState, String message) {
      super(message, null, false, false);
      this.sqlState = sqlState;
    }

    ErrorReply reply() {
      return ErrorReply.error(sqlState, getMessage());
    }
  }

  private final ByteBuf buffer;
  private final int end;
  private int position;

  BodyReader(ByteBuf buffer, int start, int length) {
    this.buffer = buffer;
    this.position = start;
    this.end = start + length;
  }

  int position() {
    return position;
  }

  /** Where the body ends, as far as it is there. */
  int end() {
    return end;
  }

  byte readByte() throws MalformedMessage {
    require(1);
    return buffer.getByte(position++);
  }

  int readShort() throws MalformedMessage {
    require(2);
    int value = buffer.getUnsignedShort(position);
    position += 2;
    return value;
  }

  int readInt() throws MalformedMessage {
    require(4);
    int value = buffer.getInt(position);
    position += 4;
    return value;
  }

  void skip(int bytes) throws MalformedMessage {
    if (bytes < 0) {
      throw truncated();
    }
    require(bytes);
    position += bytes;
  }

  /** Moves behind the next NUL and returns where it stands. */
  int skipCString() throws MalformedMessage {
    int nul = buffer.indexOf(position, end, (byte) 0);
    if (nul < 0) {
      throw new MalformedMessage(SqlState.PROTOCOL_VIOLATION, "invalid string in message");
    }
    position = nul + 1;
    return nul;
  }

  /** Reads the name of a statement or portal; the empty one is the unnamed one. */
  String readName() throws MalformedMessage {
    int start = position;
    if (start < end && buffer.getByte(start) == 0) {
      position++;
      return "";
    }
    int nul = skipCString();
    if (nul - start > MAX_NAME_BYTES) {
      throw new MalformedMessage(
          SqlState.NAME_TOO_LONG,
          "names of statements and portals may have " + MAX_NAME_BYTES + " bytes at most");
    }
    return utf8(buffer, start, nul - start);
  }

  /** Demands that nothing is left. */
  void requireEnd() throws MalformedMessage {
    if (position != end) {
      throw new MalformedMessage(SqlState.PROTOCOL_VIOLATION, "invalid message format");
    }
  }

  private void require(int bytes) throws MalformedMessage {
    if (end - position < bytes) {
      throw truncated();
    }
  }

  private static MalformedMessage truncated() {
    return new MalformedMessage(SqlState.PROTOCOL_VIOLATION, "insufficient data left in message");
  }

  /** Decodes strictly: a byte that is not UTF-8 is an error, never a replacement character. */
  static String utf8(ByteBuf buffer, int start, int length) throws MalformedMessage {
    byte[] bytes = ByteBufUtil.getBytes(buffer, start, length, true);
    for (byte one : bytes) {
      if (one < 0) {
        return utf8(ByteBuffer.wrap(bytes));
      }
    }
    // Most names: no decoder is needed.
    return new String(bytes, StandardCharsets.US_ASCII);
  }

  static String utf8(ByteBuffer bytes) throws MalformedMessage {
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(bytes)
          .toString();
    } catch (CharacterCodingException e) {
      throw new MalformedMessage(
          SqlState.CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\"");
    }
  }
}
