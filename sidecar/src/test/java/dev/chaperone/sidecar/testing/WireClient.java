package dev.chaperone.sidecar.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Speaks PostgreSQL's protocol byte by byte and hides nothing of it. */
public final class WireClient implements AutoCloseable {
  private static final int DEADLINE_MILLIS = 60_000;

  /** One message of the server's side. */
  @SuppressWarnings("ArrayRecordComponent") // Compared by its text, never by equals.
  public record Message(char type, byte[] body) {

    /** A field of an ErrorResponse or NoticeResponse; empty where it has none. */
    public String field(char code) {
      int i = 0;
      while (i < body.length && body[i] != 0) {
        int end = i + 1;
        while (body[end] != 0) {
          end++;
        }
        if (body[i] == code) {
          return new String(body, i + 1, end - i - 1, StandardCharsets.UTF_8);
        }
        i = end + 1;
      }
      return "";
    }

    /** What matters of it, to be compared and read. */
    @Override
    public String toString() {
      switch (type) {
        case 'E':
        case 'N':
          return type + " " + field('V') + " " + field('C');
        case 'Z':
        case 'C':
          return type + " " + new String(body, StandardCharsets.UTF_8).replace("\0", "");
        default:
          return type + " " + HexFormat.of().formatHex(body);
      }
    }
  }

  private final Socket socket;
  private final DataInputStream in;
  private int processId;
  private int secret;
  private final Map<String, String> parameters = new LinkedHashMap<>();

  private WireClient(Socket socket) throws IOException {
    this.socket = socket;
    this.in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16));
  }

  /** Opens a socket and sends nothing. */
  public static WireClient connect(int port) throws IOException {
    Socket socket = new Socket();
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5_000);
    socket.setSoTimeout(DEADLINE_MILLIS);
    socket.setTcpNoDelay(true);
    return new WireClient(socket);
  }

  /** Sends a startup packet and reads to the first ReadyForQuery. */
  public List<Message> logIn(String user, String database) throws IOException {
    send(startup("user", user, "database", database));
    List<Message> messages = readToReady();
    for (Message message : messages) {
      if (message.type() == 'K') {
        ByteBuffer key = ByteBuffer.wrap(message.body());
        processId = key.getInt();
        secret = key.getInt();
      } else if (message.type() == 'S') {
        String[] pair = new String(message.body(), StandardCharsets.UTF_8).split("\0", -1);
        parameters.put(pair[0], pair[1]);
      } else if (message.type() == 'E') {
        throw new IOException(message.field('M'));
      }
    }
    return messages;
  }

  public int processId() {
    return processId;
  }

  /** Where it is connected to. */
  public int port() {
    return socket.getPort();
  }

  public int secret() {
    return secret;
  }

  /** What the server reported at log-in. */
  public Map<String, String> parameters() {
    return parameters;
  }

  /** Sends bytes as one write. */
  public WireClient send(byte[]... parts) throws IOException {
    socket.getOutputStream().write(join(parts));
    socket.getOutputStream().flush();
    return this;
  }

  public WireClient send(Collection<byte[]> parts) throws IOException {
    return send(parts.toArray(byte[][]::new));
  }

  /** Reads one message; throws {@link EOFException} at the end. */
  public Message read() throws IOException {
    char type = (char) in.readUnsignedByte();
    int length = in.readInt();
    byte[] body = new byte[length - 4];
    in.readFully(body);
    return new Message(type, body);
  }

  /** One byte, such as the answer to SSLRequest. */
  public int readByte() throws IOException {
    return in.read();
  }

  /** All messages up to a ReadyForQuery or the end of the connection. */
  public List<Message> readToReady() throws IOException {
    return readTo('Z');
  }

  /** All messages up to one of that type or the end of the connection. */
  public List<Message> readTo(char type) throws IOException {
    List<Message> messages = new ArrayList<>();
    try {
      while (true) {
        Message message = read();
        messages.add(message);
        if (message.type() == type) {
          return messages;
        }
      }
    } catch (EOFException e) {
      return messages;
    } catch (SocketTimeoutException e) {
      throw new IOException("no message of type " + type + " after " + messages, e);
    }
  }

  /** All messages up to the end of the connection. */
  public List<Message> readToEnd() throws IOException {
    return readTo('\0');
  }

  /** Sends and reads to the next ReadyForQuery, without what a server may report at any time. */
  public List<String> exchange(byte[]... parts) throws IOException {
    send(parts);
    return texts(readToReady());
  }

  /** As texts, without ParameterStatus, key and notifications of settings. */
  public static List<String> texts(List<Message> messages) {
    return messages.stream()
        .filter(m -> m.type() != 'S' && m.type() != 'K')
        .map(Message::toString)
        .toList();
  }

  /** The message types in a row, such as {@code 12TDCZ}. */
  public static String types(List<Message> messages) {
    StringBuilder types = new StringBuilder();
    messages.stream().filter(m -> m.type() != 'S').forEach(m -> types.append(m.type()));
    return types.toString();
  }

  /** Whether the other side has closed. */
  public boolean isAtEnd() throws IOException {
    return in.read() < 0;
  }

  public void readTimeout(int millis) throws IOException {
    socket.setSoTimeout(millis);
  }

  /** Closes this side for sending only. */
  public void endOutput() throws IOException {
    socket.shutdownOutput();
  }

  /** Closes with a reset. */
  public void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- messages

  public static byte[] startup(String... namesAndValues) {
    return startupPacket(3 << 16, namesAndValues);
  }

  public static byte[] startupPacket(int version, String... namesAndValues) {
    byte[] body = new byte[0];
    for (String text : namesAndValues) {
      body = join(body, cString(text));
    }
    body = join(int32(version), body, new byte[1]);
    return join(int32(body.length + 4), body);
  }

  public static byte[] cancelRequest(int processId, int secret) {
    return join(int32(16), int32(80877102), int32(processId), int32(secret));
  }

  public static byte[] sslRequest() {
    return join(int32(8), int32(80877103));
  }

  public static byte[] gssRequest() {
    return join(int32(8), int32(80877104));
  }

  /** A message of any type, well framed. */
  public static byte[] message(char type, byte[]... body) {
    byte[] all = join(body);
    return join(new byte[] {(byte) type}, int32(all.length + 4), all);
  }

  /** A message whose length is a lie. */
  public static byte[] messageOfLength(char type, int length, byte[] body) {
    return join(new byte[] {(byte) type}, int32(length), body);
  }

  public static byte[] query(String sql) {
    return message('Q', cString(sql));
  }

  public static byte[] parse(String name, String sql) {
    return message('P', cString(name), cString(sql), int16(0));
  }

  /** Binds text parameters and asks for text. */
  public static byte[] bind(String portal, String statement, String... values) {
    byte[] parameters = int16(values.length);
    for (String value : values) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      parameters = join(parameters, int32(bytes.length), bytes);
    }
    return message('B', cString(portal), cString(statement), int16(0), parameters, int16(0));
  }

  public static byte[] describe(char what, String name) {
    return message('D', new byte[] {(byte) what}, cString(name));
  }

  public static byte[] execute(String portal, int rows) {
    return message('E', cString(portal), int32(rows));
  }

  public static byte[] close(char what, String name) {
    return message('C', new byte[] {(byte) what}, cString(name));
  }

  public static byte[] sync() {
    return message('S');
  }

  public static byte[] flush() {
    return message('H');
  }

  public static byte[] terminate() {
    return message('X');
  }

  public static byte[] copyData(String data) {
    return message('d', data.getBytes(StandardCharsets.UTF_8));
  }

  public static byte[] copyDone() {
    return message('c');
  }

  public static byte[] copyFail(String reason) {
    return message('f', cString(reason));
  }

  /** Parse, Bind and Execute of a statement through the unnamed ones. */
  public static byte[] run(String sql) {
    return join(parse("", sql), bind("", ""), execute("", 0));
  }

  public static byte[] cString(String text) {
    return join(text.getBytes(StandardCharsets.UTF_8), new byte[1]);
  }

  public static byte[] int32(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  public static byte[] int16(int value) {
    return ByteBuffer.allocate(2).putShort((short) value).array();
  }

  public static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
