package dev.chaperone.policy.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A connection to PostgreSQL that sends texts exactly as they are: messages by hand, no driver that
 * splits or rewrites them. The user is {@code postgres}.
 */
public final class PostgresWire implements AutoCloseable {
  private static final String SUCCESS = "00000";

  /**
   * What one statement of a text answered.
   *
   * @param tag its command tag; empty for an empty query
   * @param rows values in text format; null stands for NULL
   */
  public record Result(String tag, List<List<String>> rows) {}

  /**
   * What a text answered.
   *
   * @param results of the statements that were done, in order
   * @param sqlState {@code 00000} unless one failed
   * @param error what the server says of the failure; empty unless one failed
   * @param position where in the text the error is, in characters from 1; 0 where it says nothing
   * @param transaction {@code I}, {@code T} or {@code E}, as in ReadyForQuery
   */
  public record Answer(
      List<Result> results, String sqlState, String error, int position, char transaction) {
    public boolean isSuccess() {
      return sqlState.equals(SUCCESS);
    }

    /** The only value of the last result. */
    public String value() {
      return results.get(results.size() - 1).rows().get(0).get(0);
    }
  }

  private final Socket socket;
  private final DataInputStream in;
  private final DataOutputStream out;
  private int serverVersion;

  public PostgresWire(int port, String database) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setTcpNoDelay(true);
    in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
    out = new DataOutputStream(socket.getOutputStream());
    byte[] parameters =
        ("user\0postgres\0database\0" + database + "\0client_encoding\0UTF8\0\0")
            .getBytes(StandardCharsets.UTF_8);
    out.writeInt(8 + parameters.length);
    out.writeInt(196_608);
    out.write(parameters);
    out.flush();
    Answer answer = untilReady();
    if (!answer.isSuccess()) {
      throw new IOException("the server refuses with " + answer.sqlState());
    }
  }

  /** The major version as in {@code server_version_num}, such as 150000. */
  public int serverVersion() {
    return serverVersion;
  }

  /** Sends a simple query. COPY FROM STDIN gets no data, and what COPY sends is dropped. */
  public Answer query(String text) throws IOException {
    return query(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Sends a simple query of bytes that need not be text. */
  public Answer query(byte[] text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length + 8);
    DataOutputStream message = new DataOutputStream(bytes);
    message.writeByte('Q');
    message.writeInt(4 + text.length + 1);
    message.write(text);
    message.writeByte(0);
    out.write(bytes.toByteArray());
    out.flush();
    return untilReady();
  }

  /** Lets the server parse a text and run nothing: the SQLSTATE that it ends in. */
  public String parse(String text) throws IOException {
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
    return untilReady().sqlState();
  }

  private Answer untilReady() throws IOException {
    List<Result> results = new ArrayList<>();
    List<List<String>> rows = new ArrayList<>();
    String state = SUCCESS;
    String error = "";
    int position = 0;
    while (true) {
      int type = in.readUnsignedByte();
      byte[] body = new byte[in.readInt() - 4];
      in.readFully(body);
      switch (type) {
        case 'D' -> rows.add(row(ByteBuffer.wrap(body)));
        case 'C', 'I' -> {
          String tag = type == 'I' ? "" : text(body, 0);
          results.add(new Result(tag, rows));
          rows = new ArrayList<>();
        }
        case 'E' -> {
          state = field(body, 'C');
          error = field(body, 'M');
          String at = field(body, 'P');
          position = at.isEmpty() ? 0 : Integer.parseInt(at);
        }
        case 'G' -> {
          // CopyDone: no rows.
          out.writeByte('c');
          out.writeInt(4);
          out.flush();
        }
        case 'S' -> parameter(new String(body, StandardCharsets.UTF_8));
        case 'Z' -> {
          return new Answer(results, state, error, position, (char) body[0]);
        }
        default -> {}
      }
    }
  }

  private static List<String> row(ByteBuffer body) {
    int columns = body.getShort();
    List<String> values = new ArrayList<>(columns);
    for (int i = 0; i < columns; i++) {
      int length = body.getInt();
      if (length < 0) {
        values.add(null);
      } else {
        byte[] value = new byte[length];
        body.get(value);
        values.add(new String(value, StandardCharsets.UTF_8));
      }
    }
    return values;
  }

  private void parameter(String body) {
    String[] parts = body.split("\0", -1);
    if (parts[0].equals("server_version")) {
      serverVersion = Integer.parseInt(parts[1].replaceFirst("[^0-9].*", "")) * 10_000;
    }
  }

  private static String text(byte[] body, int start) {
    int end = start;
    while (body[end] != 0) {
      end++;
    }
    return new String(body, start, end - start, StandardCharsets.UTF_8);
  }

  private static String field(byte[] body, char code) {
    int i = 0;
    while (i < body.length && body[i] != 0) {
      String value = text(body, i + 1);
      if (body[i] == code) {
        return value;
      }
      i += 2 + value.getBytes(StandardCharsets.UTF_8).length;
    }
    return "";
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
