package dev.chaperone.benchmarks.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;

/**
 * A client that asks for five million rows, reads them slowly for a while and then all the rest. It
 * speaks the protocol itself: a driver would read ahead.
 */
final class SlowReader implements AutoCloseable {
  static final int ROWS = 5_000_000;

  private static final String QUERY =
      "SELECT a.aid, a.filler FROM pgbench_accounts a CROSS JOIN pgbench_tellers t WHERE t.tid <= 5";
  private static final int PROTOCOL = 196_608;
  private static final int CHUNK = 64 * 1024;
  private static final long PAUSE_MILLIS = 10;

  private final Socket socket;

  SlowReader(int port) throws IOException {
    socket = new Socket();
    socket.setReceiveBufferSize(CHUNK);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    byte[] parameters =
        "user\0%s\0database\0%s\0\0".formatted(Servers.USER, Servers.DATABASE).getBytes(UTF_8);
    send(
        ByteBuffer.allocate(8 + parameters.length)
            .putInt(8 + parameters.length)
            .putInt(PROTOCOL)
            .put(parameters));
  }

  /** Runs the query and returns how many rows came. */
  int read(int slowSeconds) throws IOException {
    DataInputStream in =
        new DataInputStream(new Slowed(socket.getInputStream(), slowSeconds * 1_000_000_000L));
    skipTo(in, 'Z');
    byte[] text = (QUERY + '\0').getBytes(UTF_8);
    send(ByteBuffer.allocate(5 + text.length).put((byte) 'Q').putInt(4 + text.length).put(text));
    return skipTo(in, 'Z');
  }

  private void send(ByteBuffer message) throws IOException {
    byte[] bytes = new byte[message.flip().remaining()];
    message.get(bytes);
    socket.getOutputStream().write(bytes);
  }

  /** Reads up to a message of the type and returns how many rows were before it. */
  private static int skipTo(DataInputStream in, char wanted) throws IOException {
    int rows = 0;
    while (true) {
      int type = in.readUnsignedByte();
      int length = in.readInt() - 4;
      if (type == 'E') {
        throw new IOException("error: " + new String(in.readNBytes(length), UTF_8));
      }
      in.skipNBytes(length);
      if (type == 'D') {
        rows++;
      }
      if (type == wanted) {
        return rows;
      }
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  /** Hands out what a slow reader would have got, for some time; then as fast as it comes. */
  private static final class Slowed extends InputStream {
    private final InputStream in;
    private final byte[] chunk = new byte[CHUNK];
    private final long until;
    private int position;
    private int limit;

    Slowed(InputStream in, long nanos) {
      this.in = in;
      this.until = System.nanoTime() + nanos;
    }

    private void fill() throws IOException {
      if (position < limit) {
        return;
      }
      if (System.nanoTime() < until) {
        try {
          Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      limit = in.read(chunk);
      position = 0;
      if (limit < 0) {
        throw new EOFException("the connection was closed");
      }
    }

    @Override
    public int read() throws IOException {
      fill();
      return chunk[position++] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      fill();
      int count = Math.min(length, limit - position);
      System.arraycopy(chunk, position, target, offset, count);
      position += count;
      return count;
    }

    @Override
    public long skip(long count) throws IOException {
      if (count <= 0) {
        return 0;
      }
      fill();
      int skipped = (int) Math.min(count, limit - position);
      position += skipped;
      return skipped;
    }
  }
}
