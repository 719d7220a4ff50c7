package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.cString;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.int16;
import static dev.chaperone.sidecar.testing.WireClient.int32;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.message;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.LyingTarget;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A target that describes masked rows otherwise than it should: none of them gets through. */
class HostileMaskIT {
  private static final String SECRET = "hidden-value";
  private static final String SHOUTED = "HIDDENVALUE";
  private static final byte[] READY = message('Z', new byte[] {'I'});
  private static final byte[] DONE = message('C', cString("SELECT 1"));

  private static byte[] column(String name, int table, int number) {
    return join(
        cString(name), int32(table), int16(number), int32(25), int16(-1), int32(-1), int16(0));
  }

  private static byte[] description(byte[]... columns) {
    return message('T', int16(columns.length), join(columns));
  }

  private static byte[] row(String... values) {
    byte[] body = int16(values.length);
    for (String value : values) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      body = join(body, int32(bytes.length), bytes);
    }
    return message('D', body);
  }

  /** The number of the table stands for TABLE; the test puts it in. */
  private static final int TABLE = 0x7AB1E7AB;

  static Stream<Arguments> answers() {
    byte[] right = description(column("v", TABLE, 2));
    return Stream.of(
        Arguments.of("no description", join(row(SECRET), DONE, READY)),
        Arguments.of("no origin", join(description(column("v", 0, 0)), row(SECRET), DONE, READY)),
        Arguments.of(
            "the whole row", join(description(column("v", TABLE, 0)), row(SECRET), DONE, READY)),
        Arguments.of(
            "another column", join(description(column("v", TABLE, 1)), row(SECRET), DONE, READY)),
        Arguments.of(
            "one column more",
            join(
                description(column("v", TABLE, 2), column("w", TABLE, 2)),
                row("a", SECRET),
                DONE,
                READY)),
        Arguments.of("a longer row", join(right, row("a", SECRET), DONE, READY)),
        Arguments.of("an empty row", join(right, message('D'), row(SECRET), DONE, READY)),
        Arguments.of(
            "a value longer than its row",
            join(
                right,
                message('D', int16(1), int32(1 << 20), SECRET.getBytes(StandardCharsets.UTF_8)))),
        Arguments.of(
            "a negative length",
            join(
                right, message('D', int16(1), int32(-7), SECRET.getBytes(StandardCharsets.UTF_8)))),
        Arguments.of(
            "bytes behind the row",
            join(
                right,
                message('D', int16(1), int32(1), ("x" + SECRET).getBytes(StandardCharsets.UTF_8)))),
        Arguments.of(
            "another description behind the first",
            join(right, row("a"), description(column("v", 0, 0)), row(SECRET), DONE, READY)),
        Arguments.of("rows of a second statement", join(right, DONE, row(SECRET), DONE, READY)),
        Arguments.of(
            "COPY",
            join(
                message('H', new byte[] {0}, int16(1), int16(0)),
                message('d', (SECRET + "\n").getBytes(StandardCharsets.UTF_8)),
                message('c'),
                DONE,
                READY)),
        Arguments.of(
            "lines of COPY that was not begun",
            join(
                right,
                message('d', (SECRET + "\n").getBytes(StandardCharsets.UTF_8)),
                DONE,
                READY)),
        Arguments.of(
            "a result that is no count", join(right, message('C', cString(SECRET)), READY)),
        Arguments.of(
            "a result longer than any",
            join(right, message('C', cString("A".repeat(64) + SHOUTED)), READY)),
        Arguments.of(
            "a result without an end",
            join(right, message('C', SECRET.getBytes(StandardCharsets.UTF_8)), READY)),
        Arguments.of(
            "a description cut off",
            join(message('T', int16(1), cString("v"), int32(TABLE)), row(SECRET))),
        Arguments.of(
            "an error",
            join(
                message(
                    'E',
                    cString("SERROR"),
                    cString("VERROR"),
                    cString("C23505"),
                    cString("M" + SECRET),
                    cString("D" + SECRET),
                    cString("X" + SECRET),
                    new byte[1]),
                READY)),
        Arguments.of(
            "a notice",
            join(
                message(
                    'N',
                    cString("SNOTICE"),
                    cString("VNOTICE"),
                    cString("C00000"),
                    cString("M" + SECRET),
                    new byte[1]),
                right,
                DONE,
                READY)),
        Arguments.of(
            "a notification",
            join(message('A', int32(1), cString("z"), cString(SECRET)), right, DONE, READY)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("answers")
  void nothingOfItGetsThroughASimpleQuery(String name, byte[] answer) throws Exception {
    check(answer, query("SELECT v /* poison */ FROM t"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("answers")
  void nothingOfItGetsThroughAPortal(String name, byte[] answer) throws Exception {
    check(
        join(message('1'), message('2'), answer),
        join(parse("", "SELECT v /* poison */ FROM t"), bind("", ""), execute("", 0), sync()));
  }

  /** The second query is under way when the first is said to be done in the middle of its COPY. */
  @Test
  void linesOfACopyThatHasNoEndAreNoAnswerToTheNextQuery() throws Exception {
    byte[] begun = message('H', new byte[] {0}, int16(1), int16(0));
    byte[] line = message('d', (SECRET + "\n").getBytes(StandardCharsets.UTF_8));
    check(
        join(begun, READY, line, message('c'), DONE, READY),
        join(query("COPY log TO STDOUT /* poison */"), query("SELECT v FROM t")));
  }

  private static void check(byte[] answer, byte[] sent) throws Exception {
    TestPostgres server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    int table = Integer.parseInt(server.query("SELECT 'public.t'::regclass::oid").get(0));
    byte[] told = replace(answer, int32(TABLE), int32(table));
    try (LyingTarget target = new LyingTarget(server, told, 1);
        GatewayUnderTest gateway = GatewayUnderTest.start(target.port(), "")) {
      gateway.policy(
          """
            rules:
            - {name: reads, effects: [Read], action: Allow}
            masking:
            - {columns: [public.t.v], with: Redact}
          """);
      try (WireClient client = gateway.wire()) {
        assertThat(client.exchange(query("SELECT 1"))).contains("C SELECT 1");
        client.readTimeout(3_000);
        List<Message> received = new ArrayList<>();
        try {
          received.addAll(client.send(sent).readToEnd());
        } catch (IOException e) {
          // The answer was cut off; the gateway waits for the rest of it.
        }
        for (Message message : received) {
          assertThat(new String(message.body(), StandardCharsets.ISO_8859_1))
              .doesNotContain(SECRET)
              .doesNotContain(SHOUTED);
        }
      }
    }
  }

  private static byte[] replace(byte[] bytes, byte[] from, byte[] to) {
    byte[] copy = bytes.clone();
    for (int i = 0; i + from.length <= copy.length; i++) {
      if (java.util.Arrays.equals(copy, i, i + from.length, from, 0, from.length)) {
        System.arraycopy(to, 0, copy, i, to.length);
      }
    }
    return copy;
  }
}
