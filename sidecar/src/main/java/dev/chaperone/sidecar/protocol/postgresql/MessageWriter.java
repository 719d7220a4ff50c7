package dev.chaperone.sidecar.protocol.postgresql;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * Writes messages of either side into a buffer. PostgreSQL documentation, "Message Formats".
 *
 * <p>Not safe for text that holds NUL; {@link #cString} cuts there, as a C string would be.
 */
final class MessageWriter {
  /** What a FATAL or ERROR of the gateway's own is cut to, in characters: a client shows it. */
  private static final int MAX_FIELD_CHARACTERS = 4000;

  private MessageWriter() {}

  static void errorResponse(ByteBuf out, ErrorReply error) {
    int length = begin(out, BackendMessage.ERROR_RESPONSE);
    field(out, 'S', error.severity().name());
    field(out, 'V', error.severity().name());
    field(out, 'C', error.sqlState());
    field(out, 'M', error.message());
    if (!error.detail().isEmpty()) {
      field(out, 'D', error.detail());
    }
    if (!error.hint().isEmpty()) {
      field(out, 'H', error.hint());
    }
    out.writeByte(0);
    end(out, length);
  }

  static void noticeResponse(ByteBuf out, String message, String detail, String hint) {
    int length = begin(out, BackendMessage.NOTICE_RESPONSE);
    field(out, 'S', "NOTICE");
    field(out, 'V', "NOTICE");
    field(out, 'C', SqlState.SUCCESSFUL_COMPLETION);
    field(out, 'M', message);
    field(out, 'D', detail);
    field(out, 'H', hint);
    out.writeByte(0);
    end(out, length);
  }

  static void readyForQuery(ByteBuf out, byte status) {
    int length = begin(out, BackendMessage.READY_FOR_QUERY);
    out.writeByte(status);
    end(out, length);
  }

  static void authenticationOk(ByteBuf out) {
    authentication(out, 0);
  }

  static void authenticationCleartextPassword(ByteBuf out) {
    authentication(out, 3);
  }

  private static void authentication(ByteBuf out, int code) {
    int length = begin(out, BackendMessage.AUTHENTICATION);
    out.writeInt(code);
    end(out, length);
  }

  static void parameterStatus(ByteBuf out, String name, String value) {
    int length = begin(out, BackendMessage.PARAMETER_STATUS);
    cString(out, name);
    cString(out, value);
    end(out, length);
  }

  static void backendKeyData(ByteBuf out, int processId, int secret) {
    int length = begin(out, BackendMessage.BACKEND_KEY_DATA);
    out.writeInt(processId);
    out.writeInt(secret);
    end(out, length);
  }

  static void negotiateProtocolVersion(ByteBuf out, List<String> unsupportedOptions) {
    int length = begin(out, BackendMessage.NEGOTIATE_PROTOCOL_VERSION);
    out.writeInt(Startup.PROTOCOL_3_0);
    out.writeInt(unsupportedOptions.size());
    unsupportedOptions.forEach(option -> cString(out, option));
    end(out, length);
  }

  static void query(ByteBuf out, String sql) {
    int length = begin(out, FrontendMessage.QUERY);
    cString(out, sql);
    end(out, length);
  }

  static void parse(ByteBuf out, String statement, String sql) {
    int length = begin(out, FrontendMessage.PARSE);
    cString(out, statement);
    cString(out, sql);
    out.writeShort(0);
    end(out, length);
  }

  static void bind(ByteBuf out, String portal, String statement) {
    int length = begin(out, FrontendMessage.BIND);
    cString(out, portal);
    cString(out, statement);
    out.writeShort(0);
    out.writeShort(0);
    out.writeShort(0);
    end(out, length);
  }

  static void execute(ByteBuf out, String portal) {
    int length = begin(out, FrontendMessage.EXECUTE);
    cString(out, portal);
    out.writeInt(0);
    end(out, length);
  }

  static void closeStatement(ByteBuf out, String statement) {
    int length = begin(out, FrontendMessage.CLOSE);
    out.writeByte('S');
    cString(out, statement);
    end(out, length);
  }

  static void closePortal(ByteBuf out, String portal) {
    int length = begin(out, FrontendMessage.CLOSE);
    out.writeByte('P');
    cString(out, portal);
    end(out, length);
  }

  static void sync(ByteBuf out) {
    end(out, begin(out, FrontendMessage.SYNC));
  }

  static void flush(ByteBuf out) {
    end(out, begin(out, FrontendMessage.FLUSH));
  }

  static void terminate(ByteBuf out) {
    end(out, begin(out, FrontendMessage.TERMINATE));
  }

  static void copyFail(ByteBuf out, String reason) {
    int length = begin(out, FrontendMessage.COPY_FAIL);
    cString(out, reason);
    end(out, length);
  }

  /** The first message of a session, which has no type byte. */
  static void startup(ByteBuf out, Map<String, String> parameters) {
    int length = out.writerIndex();
    out.writeInt(0);
    out.writeInt(Startup.PROTOCOL_3_0);
    parameters.forEach(
        (name, value) -> {
          cString(out, name);
          cString(out, value);
        });
    out.writeByte(0);
    end(out, length);
  }

  static void sslRequest(ByteBuf out) {
    out.writeInt(8);
    out.writeInt(Startup.SSL_REQUEST_CODE);
  }

  static void cancelRequest(ByteBuf out, int processId, int secret) {
    out.writeInt(16);
    out.writeInt(Startup.CANCEL_REQUEST_CODE);
    out.writeInt(processId);
    out.writeInt(secret);
  }

  static void saslInitialResponse(ByteBuf out, String mechanism, byte[] response) {
    int length = begin(out, FrontendMessage.PASSWORD);
    cString(out, mechanism);
    out.writeInt(response.length);
    out.writeBytes(response);
    end(out, length);
  }

  static void passwordMessage(ByteBuf out, byte[] content, boolean terminated) {
    int length = begin(out, FrontendMessage.PASSWORD);
    out.writeBytes(content);
    if (terminated) {
      out.writeByte(0);
    }
    end(out, length);
  }

  private static int begin(ByteBuf out, byte type) {
    out.writeByte(type);
    int length = out.writerIndex();
    out.writeInt(0);
    return length;
  }

  private static void end(ByteBuf out, int length) {
    out.setInt(length, out.writerIndex() - length);
  }

  private static void field(ByteBuf out, char code, String value) {
    out.writeByte(code);
    cString(
        out,
        value.length() > MAX_FIELD_CHARACTERS
            ? value.substring(0, MAX_FIELD_CHARACTERS) + "..."
            : value);
  }

  static void cString(ByteBuf out, String value) {
    int nul = value.indexOf('\0');
    out.writeCharSequence(nul < 0 ? value : value.substring(0, nul), StandardCharsets.UTF_8);
    out.writeByte(0);
  }
}
