package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a client sends before anything else. PostgreSQL documentation, "Message Formats":
 * StartupMessage, CancelRequest, SSLRequest, GSSENCRequest.
 */
sealed interface Startup {
  int PROTOCOL_3_0 = 3 << 16;
  int CANCEL_REQUEST_CODE = 80877102;
  int SSL_REQUEST_CODE = 80877103;
  int GSSENC_REQUEST_CODE = 80877104;

  /** Largest startup packet, in bytes; MAX_STARTUP_PACKET_LENGTH in the server's pqcomm.h. */
  int MAX_PACKET_BYTES = 10_000;

  /** Asks for TLS. */
  record TlsRequest() implements Startup {}

  /** Asks for GSSAPI encryption. */
  record GssEncryptionRequest() implements Startup {}

  /** Asks to cancel what another connection is doing. */
  record CancelRequest(int processId, int secret) implements Startup {}

  /**
   * Opens a session.
   *
   * @param minorVersion of protocol 3
   * @param parameters in the order they came
   */
  record Open(int minorVersion, Map<String, String> parameters) implements Startup {

    /** Options of later protocol versions, which the gateway does not have. */
    List<String> protocolOptions() {
      return parameters.keySet().stream().filter(name -> name.startsWith("_pq_.")).toList();
    }
  }

  /** Asks for a protocol version that there is no talking to. */
  record UnsupportedVersion(int major, int minor) implements Startup {}

  /**
   * Reads a packet.
   *
   * @param packet behind its length
   */
  static Startup read(ByteBuf packet) throws MalformedMessage {
    BodyReader reader = new BodyReader(packet, packet.readerIndex(), packet.readableBytes());
    int code = reader.readInt();
    switch (code) {
      case SSL_REQUEST_CODE:
        reader.requireEnd();
        return new TlsRequest();
      case GSSENC_REQUEST_CODE:
        reader.requireEnd();
        return new GssEncryptionRequest();
      case CANCEL_REQUEST_CODE:
        CancelRequest request = new CancelRequest(reader.readInt(), reader.readInt());
        reader.requireEnd();
        return request;
      default:
        return code >>> 16 == PROTOCOL_3_0 >>> 16
            ? readOpen(code & 0xffff, packet, reader)
            : new UnsupportedVersion(code >>> 16, code & 0xffff);
    }
  }

  private static Open readOpen(int minorVersion, ByteBuf packet, BodyReader reader)
      throws MalformedMessage {
    Map<String, String> parameters = new LinkedHashMap<>();
    List<String> pair = new ArrayList<>(2);
    while (true) {
      int start = reader.position();
      int nul = reader.skipCString();
      String text = BodyReader.utf8(packet, start, nul - start);
      if (pair.isEmpty() && text.isEmpty()) {
        reader.requireEnd();
        return new Open(minorVersion, parameters);
      }
      pair.add(text);
      if (pair.size() == 2) {
        if (parameters.putIfAbsent(pair.get(0), pair.get(1)) != null) {
          throw new MalformedMessage(
              SqlState.PROTOCOL_VIOLATION, "a startup parameter is given twice");
        }
        pair.clear();
      }
    }
  }
}
