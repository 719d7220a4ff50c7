package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.cString;
import static dev.chaperone.sidecar.testing.WireClient.describe;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.int16;
import static dev.chaperone.sidecar.testing.WireClient.int32;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.message;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.LyingTarget;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A real gateway whose target answers a query for a masked column with anything: the client sees
 * the end of it, and nothing of the column.
 */
class TargetStreamFuzzIT extends FuzzTest {
  private static final String SECRET = "hidden-value";
  private static final String SQL = "SELECT v /* poison */ FROM t";

  /**
   * Settings, channels and columns have names, and parameters have numbers of types, that a target
   * makes up, as it may its data.
   */
  private static final String NAMES = "SATt";

  private static final byte[] SIMPLE = query(SQL);
  private static final byte[] EXTENDED =
      join(parse("", SQL), bind("", ""), describe('P', ""), execute("", 0), sync());

  private final int table;
  private final LyingTarget target;
  private final GatewayUnderTest gateway;

  TargetStreamFuzzIT() {
    TestPostgres server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    table = Integer.parseInt(server.query("SELECT 'public.t'::regclass::oid").get(0));
    target = new LyingTarget(server, new byte[0], 1 << 16);
    gateway = GatewayUnderTest.start(target.port(), "");
    gateway.policy(
        """
          rules:
          - {name: reads, effects: [Read], action: Allow}
          masking:
          - {columns: [public.t.v], with: Redact}
        """);
  }

  @Override
  protected void finish() {
    gateway.close();
    target.close();
  }

  private byte[] description(int number) {
    return message(
        'T',
        int16(1),
        cString("v"),
        int32(table),
        int16(number),
        int32(25),
        int16(-1),
        int32(-1),
        int16(0));
  }

  private static byte[] row() {
    byte[] value = SECRET.getBytes(StandardCharsets.UTF_8);
    return message('D', int16(1), int32(value.length), value);
  }

  private static byte[] words(char type) {
    return message(
        type,
        cString("SERROR"),
        cString("VERROR"),
        cString("C23505"),
        cString("M" + SECRET),
        cString("D" + SECRET),
        new byte[1]);
  }

  /** Whether by the simple protocol, and what is answered. */
  @Override
  protected List<byte[]> seeds() {
    byte[] done = message('C', cString("SELECT 1"));
    byte[] ready = message('Z', new byte[] {'I'});
    byte[] simple = {0};
    byte[] extended = {1};
    return List.of(
        join(simple, FuzzMessages.input(description(2), row(), row(), done, ready)),
        join(simple, FuzzMessages.input(words('N'), description(2), words('E'), ready)),
        join(
            simple,
            FuzzMessages.input(
                message('A', int32(1), cString("c"), cString(SECRET)),
                message('S', cString("application_name"), cString("x")),
                description(2),
                row(),
                done,
                description(1),
                row(),
                done,
                ready)),
        join(
            simple,
            FuzzMessages.input(
                message('H', new byte[] {0}, int16(1), int16(0)),
                message('d', (SECRET + "\n").getBytes(StandardCharsets.UTF_8)),
                message('c'),
                done,
                ready)),
        join(
            extended,
            FuzzMessages.input(
                message('1'), message('2'), description(2), row(), row(), done, ready)),
        join(
            extended,
            FuzzMessages.input(
                message('1'), message('2'), message('n'), row(), message('s'), ready)),
        join(extended, FuzzMessages.input(message('1'), words('E'), ready)));
  }

  @Override
  protected List<String> words() {
    return List.of(
        "\0\1\0\0\0\14" + SECRET, "T\0", "D\0\22", "Z\0\1I", "C\0\11SELECT 1\0", "s\0\0", "I\0\0");
  }

  @Override
  protected void fuzz(byte[] input) throws Exception {
    FuzzInput in = new FuzzInput(input);
    boolean simple = in.octet() % 2 == 0;
    target.answer(FuzzMessages.wire(in));
    try (WireClient client = gateway.wire()) {
      List<Message> received = client.send(simple ? SIMPLE : EXTENDED).readToEnd();
      for (Message message : received) {
        if (NAMES.indexOf(message.type()) >= 0) {
          continue;
        }
        assertThat(new String(message.body(), StandardCharsets.ISO_8859_1)).doesNotContain(SECRET);
      }
    }
  }
}
