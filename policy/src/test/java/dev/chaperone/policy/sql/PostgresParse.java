package dev.chaperone.policy.sql;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Lets a server parse texts and run nothing: Parse and Sync messages by hand. */
final class PostgresParse implements AutoCloseable {
  private final Socket socket;
  private final DataInputStream in;
  private final DataOutputStream out;
  private int serverVersion;

  PostgresParse(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setTcpNoDelay(true);
    in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
    out = new DataOutputStream(socket.getOutputStream());
    byte[] parameters =
        "user\0postgres\0database\0postgres\0client_encoding\0UTF8\0\0"
            .getBytes(StandardCharsets.UTF_8);
    out.writeInt(8 + parameters.length);
    out.writeInt(196_608);
    out.write(parameters);
    out.flush();
    String state = untilReady();
    if (!state.equals("00000")) {
      throw new IOException("the server refuses with " + state);
    }
  }

  int serverVersion() {
    return serverVersion;
  }

  /** The SQLSTATE that parsing ends in, 00000 for success. */
  String parse(String text) throws IOException {
    byte[] sql = text.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(sql.length + 16);
    DataOutputStream message = new DataOutputStream(bytes);
    message.writeByte('P');
    message.writeInt(4 + 1 + sql.length + 1 + 2);
    message.writeByte(0);
    message.write(sql);
    message.writeByte(0);
    message.writeShort(0);
    message.writeByte('S');
    message.writeInt(4);
    out.write(bytes.toByteArray());
    out.flush();
    return untilReady();
  }

  private String untilReady() throws IOException {
    String state = "00000";
    while (true) {
      int type = in.readUnsignedByte();
      byte[] body = new byte[in.readInt() - 4];
      in.readFully(body);
      switch (type) {
        case 'E' -> state = field(body, 'C');
        case 'S' -> parameter(new String(body, StandardCharsets.UTF_8));
        case 'Z' -> {
          return state;
        }
        default -> {}
      }
    }
  }

  private void parameter(String body) {
    String[] parts = body.split("\0", -1);
    if (parts[0].equals("server_version")) {
      serverVersion = Integer.parseInt(parts[1].replaceFirst("[^0-9].*", "")) * 10_000;
    }
  }

  private static String field(byte[] body, char code) {
    int i = 0;
    while (i < body.length && body[i] != 0) {
      int end = i + 1;
      while (body[end] != 0) {
        end++;
      }
      if (body[i] == code) {
        return new String(body, i + 1, end - i - 1, StandardCharsets.US_ASCII);
      }
      i = end + 1;
    }
    return "?";
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
