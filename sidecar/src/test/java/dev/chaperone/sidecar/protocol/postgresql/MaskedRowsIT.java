package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Masked rows of a real server, however its bytes arrive and however many they are. */
class MaskedRowsIT {
  private static final String POLICY =
      """
        rules:
        - {name: reads, effects: [Read], action: Allow}
        masking:
        - {columns: [public.m.a], with: Partial}
        - {columns: [public.m.b], with: Hash}
        - {columns: [public.m.c], with: FormatPreserving}
        - {columns: [public.m.d], with: Redact}
        - {detectors: [CreditCard], with: Redact}
      """;

  private static final String SELECT = "SELECT id, a, b, free, c, d FROM m WHERE id <= ";

  /** Passes bytes on; what the server sends next is cut in two, and the second part comes later. */
  private static final class Cutter implements AutoCloseable {
    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final int port;
    private volatile int cutAt = -1;
    private volatile int length;

    Cutter(int port) throws IOException {
      this.port = port;
      start(this::accept);
    }

    private interface Work {
      void run() throws IOException, InterruptedException;
    }

    private static void start(Work work) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  work.run();
                } catch (IOException | InterruptedException e) {
                  // The test is over, or one side hung up.
                }
              });
      thread.setDaemon(true);
      thread.start();
    }

    private void accept() throws IOException {
      while (true) {
        Socket gateway = listener.accept();
        Socket server = new Socket(InetAddress.getLoopbackAddress(), port);
        gateway.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
        start(() -> questions(gateway, server));
        start(() -> answers(server, gateway));
      }
    }

    private static void questions(Socket gateway, Socket server) throws IOException {
      try (gateway;
          server) {
        gateway.getInputStream().transferTo(server.getOutputStream());
      }
    }

    /**
     * Reads whole answers, up to a ReadyForQuery or what is asked for before the log-in is done.
     */
    private void answers(Socket server, Socket gateway) throws IOException, InterruptedException {
      try (gateway;
          server) {
        DataInputStream in = new DataInputStream(server.getInputStream());
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        while (true) {
          int type = in.readUnsignedByte();
          int size = in.readInt();
          byte[] body = in.readNBytes(size - 4);
          answer.writeBytes(WireClient.message((char) type, body));
          if (type == 'Z' || type == 'R') {
            pass(answer.toByteArray(), gateway.getOutputStream());
            answer.reset();
          }
        }
      }
    }

    private void pass(byte[] bytes, OutputStream to) throws IOException, InterruptedException {
      length = bytes.length;
      int cut = Math.max(0, Math.min(cutAt, bytes.length));
      to.write(bytes, 0, cut);
      to.flush();
      if (cutAt >= 0) {
        Thread.sleep(3);
      }
      to.write(bytes, cut, bytes.length - cut);
      to.flush();
    }

    int port() {
      return listener.getLocalPort();
    }

    @Override
    public void close() throws IOException {
      listener.close();
    }
  }

  private TestPostgres server;
  private Cutter cutter;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() throws IOException {
    server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    server.execute(
        "CREATE TABLE m (id int PRIMARY KEY, a text, b text, free text, c text, d text)",
        "INSERT INTO m SELECT g, 'Person ' || g, 'person.' || g || '@example.com', 'free ' || g,"
            + " lpad(g::text, 9, '0'), 'secret' FROM generate_series(1, 5000) g",
        "UPDATE m SET a = NULL, b = NULL, c = NULL, d = NULL WHERE id % 7 = 0",
        "GRANT SELECT ON m TO " + TestPostgres.USER);
    cutter = new Cutter(server.port());
    gateway = GatewayUnderTest.start(cutter.port(), "{messageBytes: 4Mi}");
    gateway.policy(POLICY);
  }

  @AfterEach
  void stop() throws IOException {
    gateway.close();
    cutter.close();
  }

  private static List<List<String>> rows(List<Message> messages) {
    List<List<String>> rows = new ArrayList<>();
    for (Message message : messages) {
      if (message.type() == 'D') {
        ByteBuffer body = ByteBuffer.wrap(message.body());
        List<String> row = new ArrayList<>();
        for (int left = body.getShort(); left > 0; left--) {
          int length = body.getInt();
          byte[] value = new byte[Math.max(length, 0)];
          body.get(value);
          row.add(length < 0 ? "NULL" : new String(value, StandardCharsets.UTF_8));
        }
        rows.add(row);
      }
    }
    return rows;
  }

  private static void assertMasked(List<List<String>> rows, int count) {
    assertThat(rows).hasSize(count);
    for (int i = 0; i < count; i++) {
      List<String> row = rows.get(i);
      int id = i + 1;
      assertThat(row.get(0)).isEqualTo(Integer.toString(id));
      assertThat(row.get(3)).isEqualTo("free " + id);
      assertThat(row.get(5)).isEqualTo("[redacted]");
      if (id % 7 == 0) {
        assertThat(row).as("%d", id).containsSubsequence("NULL", "NULL", "free " + id, "NULL");
      } else {
        String name = "Person " + id;
        assertThat(row.get(1)).isEqualTo("****" + name.substring(name.length() - 4));
        assertThat(row.get(2)).matches("[0-9a-f]{24}");
        assertThat(row.get(4)).matches("\\d{9}").isNotEqualTo("%09d".formatted(id));
      }
    }
  }

  @Test
  void rowsCutInTwoAtAnyByteArriveTheSame() throws IOException {
    try (WireClient client = gateway.wire()) {
      String sql = SELECT + "6 ORDER BY id";
      List<String> whole = client.exchange(query(sql));
      int length = cutter.length;
      assertThat(length).isGreaterThan(6 * 60);
      for (int at = 0; at <= length; at++) {
        cutter.cutAt = at;
        assertThat(client.exchange(query(sql))).as("cut at %d", at).isEqualTo(whole);
      }
      assertMasked(rows(client.send(query(sql)).readToReady()), 6);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 99, 1000, 5000})
  void eachRowOfManyIsMaskedAndInItsPlace(int count) throws IOException {
    try (WireClient client = gateway.wire()) {
      String sql = SELECT + count + " ORDER BY id";
      List<List<String>> simple = rows(client.send(query(sql)).readToReady());
      assertMasked(simple, count);
      List<List<String>> extended =
          rows(client.send(parse("", sql), bind("", ""), execute("", 0), sync()).readToReady());
      assertThat(extended).isEqualTo(simple);
      // The same values one at a time.
      String one = "SELECT id, a, b, free, c, d FROM m WHERE id = ";
      for (int id = 1; id <= count; id += Math.max(1, count / 9)) {
        assertThat(rows(client.send(query(one + id)).readToReady()))
            .containsExactly(simple.get(id - 1));
      }
    }
    assertThat(gateway.counted("chaperone.masked.values")).isGreaterThanOrEqualTo(2.0 * count);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 10, 120, 777})
  void aLimitCutsOffAtItsRowWithinRowsThatCameTogether(int limit) throws IOException {
    gateway.policy(POLICY + "  limits: {rowsPerOperation: " + limit + "}\n");
    try (WireClient client = gateway.wire()) {
      List<Message> messages = client.send(query(SELECT + "5000 ORDER BY id")).readToReady();
      assertMasked(rows(messages), limit);
      assertThat(WireClient.types(messages)).endsWith("DEZ");
      Message error = messages.get(messages.size() - 2);
      assertThat(error.field('M')).contains(limit + " rows");
      assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
    }
  }

  @Test
  void rowsUpToTheBoundPassAndLongerOnesDoNot() throws IOException {
    server.execute(
        "INSERT INTO m VALUES (6001, 'a', 'b', repeat('f', 3000000), repeat('7', 1000000), 'd'),"
            + " (6002, 'a', 'b', 'short', 'c', 'd'),"
            + " (6003, 'a', 'b', repeat('f', 3000000), repeat('7', 1300000), 'd')");
    String sql = "SELECT id, a, b, free, c, d FROM m WHERE id > 6000 ORDER BY id";
    try (WireClient client = gateway.wire()) {
      List<Message> messages = client.send(query(sql)).readToReady();
      List<List<String>> rows = rows(messages);
      assertThat(rows).hasSize(2);
      assertThat(rows.get(0).get(3)).isEqualTo("f".repeat(3_000_000));
      assertThat(rows.get(0).get(4)).hasSize(1_000_000).matches("\\d*");
      assertThat(rows.get(0).get(4).chars().distinct().count()).isEqualTo(10);
      assertThat(rows.get(1).get(3)).isEqualTo("short");
      assertThat(messages.get(messages.size() - 2).field('M')).contains("limit 4194304 bytes");
      assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
    }
  }
}
