package dev.chaperone.benchmarks.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;

/** A client that speaks just enough of the protocol to send a query and wait for a message. */
final class RawClient implements AutoCloseable {
  private static final int PROTOCOL = 196_608;
  private static final int DEADLINE_MILLIS = 120_000;

  private final Socket socket = new Socket();
  private final DataInputStream in;

  RawClient(int port) throws IOException {
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(DEADLINE_MILLIS);
    in = new DataInputStream(socket.getInputStream());
    byte[] parameters =
        "user\0%s\0database\0%s\0\0".formatted(Servers.USER, Servers.DATABASE).getBytes(UTF_8);
    send(
        ByteBuffer.allocate(8 + parameters.length)
            .putInt(8 + parameters.length)
            .putInt(PROTOCOL)
            .put(parameters));
    await('Z');
  }

  void query(String sql) throws IOException {
    byte[] text = (sql + '\0').getBytes(UTF_8);
    send(ByteBuffer.allocate(5 + text.length).put((byte) 'Q').putInt(4 + text.length).put(text));
  }

  /** Reads up to a message of the type and returns its body. */
  String await(char wanted) throws IOException {
    while (true) {
      int type = in.readUnsignedByte();
      byte[] body = in.readNBytes(in.readInt() - 4);
      if (type == wanted) {
        return new String(body, UTF_8);
      }
      if (type == 'E') {
        throw new IOException("error: " + new String(body, UTF_8).replace('\0', ' '));
      }
    }
  }

  /** Returns when the other side has closed the connection. */
  void awaitEnd() throws IOException {
    byte[] rest = new byte[4096];
    int read = in.read(rest);
    while (read >= 0) {
      read = in.read(rest);
    }
  }

  private void send(ByteBuffer message) throws IOException {
    byte[] bytes = new byte[message.flip().remaining()];
    message.get(bytes);
    socket.getOutputStream().write(bytes);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
