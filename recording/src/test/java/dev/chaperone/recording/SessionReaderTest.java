package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SessionReaderTest {
  private static final RecordingKey KEY = RecordingKey.generate();

  @TempDir Path temporary;

  private static List<RecordedEvent> readAll(Path directory) throws Exception {
    List<RecordedEvent> events = new ArrayList<>();
    try (SessionReader reader = new SessionReader(directory)) {
      for (var event = reader.next(); event.isPresent(); event = reader.next()) {
        events.add(event.get());
      }
    }
    return events;
  }

  /** Every line of the timeline and of the JSON, for comparison with what is kept. */
  private static String rendered(Path directory) throws Exception {
    Timeline timeline = new Timeline(120);
    JsonLines json = new JsonLines();
    StringBuilder all = new StringBuilder();
    for (RecordedEvent event : readAll(directory)) {
      all.append(timeline.line(event)).append('\n').append(json.line(event)).append('\n');
    }
    return all.toString();
  }

  /** PKCS#8 of the private key whose bytes are 1 to 32; for nothing but this test. */
  private static String knownKey() {
    String der = "302e020100300506032b657004220420";
    for (int i = 1; i <= 32; i++) {
      der += String.format("%02x", i);
    }
    return "-----BEGIN PRIVATE KEY-----\n"
        + Base64.getEncoder().encodeToString(HexFormat.of().parseHex(der))
        + "\n-----END PRIVATE KEY-----\n";
  }

  private static String resource(String name) throws IOException {
    try (var in = SessionReaderTest.class.getResourceAsStream("/golden/" + name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /**
   * The bytes of version 1 do not change: a recording made by the first version is read, verified
   * and shown as it was, and this version writes the same bytes. Written anew with {@code
   * -Dgolden.update=DIR}.
   */
  @Test
  void aGoldenRecordingIsWrittenAndReadAsEver() throws Exception {
    Path privateFile = temporary.resolve("private.pem");
    Files.writeString(privateFile, knownKey());
    Files.setPosixFilePermissions(privateFile, PosixFilePermissions.fromString("rw-------"));
    RecordingKey key = RecordingKey.readOrCreate(privateFile, temporary.resolve("public.pem"));
    assertThat(key.publicKey().pem()).isEqualTo(resource("key.pub.pem"));
    Path directory = temporary.resolve("orders-db-1");
    SessionUnderTest.small(directory, key);
    String update = System.getProperty("golden.update");
    if (update != null) {
      Path files = Files.createDirectories(Path.of(update));
      for (int segment = 1; segment <= 3; segment++) {
        String name = SessionFiles.segmentName(segment);
        Files.write(files.resolve(name), Files.readAllBytes(directory.resolve(name)));
      }
      Files.writeString(files.resolve("timeline.txt"), rendered(directory));
      return;
    }
    for (int segment = 1; segment <= 3; segment++) {
      String name = SessionFiles.segmentName(segment);
      try (var in = SessionReaderTest.class.getResourceAsStream("/golden/" + name)) {
        assertThat(Files.readAllBytes(directory.resolve(name))).isEqualTo(in.readAllBytes());
      }
    }
    assertThat(rendered(directory)).isEqualTo(resource("timeline.txt"));
    assertThat(Verifier.verify(directory, key.publicKey(), Optional.empty()).exitCode()).isZero();
  }

  @Test
  void whereTheConnectionLeadsFromHereOnComesBackAndIsShown() throws Exception {
    Event.Target target = new Event.Target("POSTGRESQL", "other.example", 5433, "orders");
    SessionUnderTest session = new SessionUnderTest(temporary.resolve("s"), "s", KEY);
    session.opened(Optional.empty());
    session.add(new Event.TargetChanged(target));
    session.seal("over");
    assertThat(readAll(session.directory()).get(1).event())
        .isEqualTo(new Event.TargetChanged(target));
    assertThat(rendered(session.directory())).contains("leads to other.example:5433/orders");
  }

  @Test
  void aLongStatementComesBackWhole() throws Exception {
    byte[] text = new byte[Statement.MAX_BYTES];
    Arrays.fill(text, (byte) 'x');
    byte[] longer = Arrays.copyOf(text, text.length + 1);
    SessionUnderTest session = new SessionUnderTest(temporary.resolve("s"), "s", KEY);
    session.opened(Optional.empty());
    for (byte[] statement : List.of(text, longer)) {
      session.add(
          new Event.OperationRequested(
              1,
              Event.Verdict.ALLOWED,
              "",
              Facts.NONE,
              Statement.of(statement, false, false),
              List.of(),
              0,
              "",
              Optional.empty()));
    }
    List<RecordedEvent> events = readAll(session.directory());
    Statement whole = ((Event.OperationRequested) events.get(1).event()).statement().value();
    assertThat(whole.text().array()).isEqualTo(text);
    assertThat(whole.isCut()).isFalse();
    Statement cut = ((Event.OperationRequested) events.get(2).event()).statement().value();
    assertThat(cut.text().array()).isEqualTo(text);
    assertThat(cut.length()).isEqualTo(longer.length);
    assertThat(cut.digest().array()).isEqualTo(Format.sha256().digest(longer));
  }

  @Test
  void whatHadNoRoomIsWrittenLaterAndTheChainHolds() throws Exception {
    Path directory = Files.createDirectory(temporary.resolve("s"));
    ChainWriter chain = new ChainWriter("s", KEY.publicKey().id());
    Path segment = directory.resolve(SessionFiles.segmentName(1));
    var out = new java.io.ByteArrayOutputStream();
    out.writeBytes(chain.beginSegment(1));
    Random random = new Random(7);
    Space space =
        (array, length) -> {
          boolean room = random.nextInt(3) > 0;
          if (room) {
            out.write(array, 0, length);
          }
          return room;
        };
    Event opened =
        new Event.SessionOpened(
            "s",
            new Event.Identity("", "", "", "", "", List.of()),
            "",
            new Event.Target("", "", 0, ""),
            "",
            Optional.empty());
    byte[] text = new byte[3 * Format.TEXT_PART_BYTES];
    Arrays.fill(text, (byte) 'y');
    Event asked =
        new Event.OperationRequested(
            1,
            Event.Verdict.ALLOWED,
            "",
            SessionUnderTest.READS,
            Statement.of(text, false, true),
            List.of(),
            0,
            "",
            Optional.empty());
    for (Event event : List.of(opened, asked, asked)) {
      while (chain.append(event, 5, space) == 0) {
        assertThat(out.size()).isLessThan(100 << 20);
      }
    }
    Files.write(segment, out.toByteArray());
    assertThat(readAll(directory)).hasSize(3);
    assertThat(
            Verifier.verify(directory, KEY.publicKey(), Optional.of(chain.head().hash()))
                .exitCode())
        .isEqualTo(4);
  }

  @Test
  void aSessionIsFollowedWhileItIsWritten() throws Exception {
    SessionUnderTest session = new SessionUnderTest(temporary.resolve("s"), "s", KEY);
    session.opened(Optional.empty());
    try (SessionReader reader = new SessionReader(session.directory())) {
      assertThat(reader.next()).isPresent();
      for (int i = 0; i < 20; i++) {
        assertThat(reader.next()).isEmpty();
        session.query("SELECT " + i, Event.Verdict.ALLOWED);
        assertThat(reader.next().orElseThrow().event())
            .isInstanceOf(Event.OperationRequested.class);
        if (i % 5 == 0) {
          session.rotate();
        }
      }
      session.seal("done");
      assertThat(reader.next().orElseThrow().event()).isInstanceOf(Event.SessionEnded.class);
      assertThat(reader.isSealed()).isFalse();
      assertThat(reader.next()).isEmpty();
      assertThat(reader.isSealed()).isTrue();
      assertThat(reader.head()).isEqualTo(session.chain().head());
    }
  }

  @Test
  void aBrokenRecordingIsSaidToBeBroken() throws Exception {
    SessionUnderTest session = SessionUnderTest.small(temporary.resolve("orders-db-1"), KEY);
    Path segment = session.directory().resolve(SessionFiles.segmentName(1));
    byte[] content = Files.readAllBytes(segment);
    content[300] ^= 1;
    Files.write(segment, content);
    try (SessionReader reader = new SessionReader(session.directory())) {
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 100; i++) {
                  reader.next();
                }
              })
          .isInstanceOf(MalformedRecordingException.class);
    }
  }

  @Test
  void anOperationTakesLessThan250Bytes() throws Exception {
    SessionUnderTest session = new SessionUnderTest(temporary.resolve("s"), "s", KEY);
    session.opened(Optional.empty());
    session.add(new Event.ClientConnected(1, "pgbench"));
    Path segment = session.directory().resolve(SessionFiles.segmentName(1));
    long before = Files.size(segment);
    int operations = 500;
    for (int i = 0; i < operations; i++) {
      long number =
          session.query(
              "SELECT abalance FROM pgbench_accounts WHERE aid = " + (7_654_321 + i) + ";",
              Event.Verdict.ALLOWED);
      session.answer(number, "12345");
    }
    session.checkpoint();
    long bytes = (Files.size(segment) - before) / operations;
    System.out.println("bytes per operation: " + bytes);
    assertThat(bytes).isLessThan(250);
  }
}
