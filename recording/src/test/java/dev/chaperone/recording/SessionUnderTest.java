package dev.chaperone.recording;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A recording that is made event by event, in files as the gateway writes them. */
final class SessionUnderTest {
  /** 2026-11-21T18:00:00Z. */
  static final long START = 1_795_284_000_000_000L;

  static final Repeated<Facts> READS =
      Repeated.of(
          new Facts(
              "Allow",
              7,
              Optional.of(new Facts.Rule("support/agents", "uid-1", 3, "reads")),
              "rule reads",
              List.of(new Facts.Access("Read", "SELECT", "public.tickets", "Allow")),
              0,
              List.of()));

  static final Repeated<Columns> COLUMNS =
      Repeated.of(
          new Columns(
              List.of(new Columns.Column("id", 23, false), new Columns.Column("note", 25, true)),
              0));

  private final Path directory;
  private final RecordingKey key;
  private final ChainWriter chain;
  private long now = START;

  SessionUnderTest(Path directory, String name, RecordingKey key) {
    this.directory = directory;
    this.key = key;
    this.chain = new ChainWriter(name, key.publicKey().id());
    try {
      Files.createDirectories(directory);
      Files.writeString(directory.resolve(PublicKeyFile.NAME), key.publicKey().pem());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    write(chain.beginSegment(now), -1);
  }

  /** Three segments, every kind of event, sealed. */
  static SessionUnderTest small(Path directory, RecordingKey key) {
    SessionUnderTest session = new SessionUnderTest(directory, "orders-db-1", key);
    session.opened(Optional.empty());
    session.add(new Event.ClientConnected(1, "psql"));
    session.query("SELECT id, note FROM tickets WHERE id = 1", Event.Verdict.ALLOWED);
    session.answer(session.chain.events(), "a");
    session.checkpoint();
    session.add(
        new Event.OperationRequested(
            1,
            Event.Verdict.ALLOWED,
            "",
            READS,
            Statement.of("SELECT $1, $2".getBytes(StandardCharsets.UTF_8), false, true),
            List.of(
                Value.of(false, 25, Bytes.utf8("x"), 1),
                Value.ofNull(0),
                Value.protectedValue(true, 20)),
            1,
            "",
            Optional.empty()));
    session.rotate();
    session.query("DROP TABLE tickets", Event.Verdict.DENIED);
    session.add(
        new Event.ApprovalOpened(
            "approval-1",
            1,
            READS,
            Statement.of("DELETE FROM tickets".getBytes(StandardCharsets.UTF_8), true, true),
            "sha256:00",
            START + 1));
    session.add(new Event.ApprovalDecided("approval-1", "dana", true, "fine"));
    session.add(new Event.ApprovalUsed("approval-1", 1));
    session.add(new Event.ApprovalExpired("approval-2"));
    session.add(new Event.ApprovalCancelled("approval-3", "the session ended"));
    session.rotate();
    session.add(new Event.ConfigurationChanged(2));
    session.add(new Event.RecordingGap(START, 3, 4, "disk full"));
    session.add(new Event.ClientDisconnected(1, "closed"));
    session.add(new Event.SessionRevoked("dana"));
    session.seal("revoked");
    return session;
  }

  Path directory() {
    return directory;
  }

  ChainWriter chain() {
    return chain;
  }

  void opened(Optional<Event.Predecessor> predecessor) {
    add(
        new Event.SessionOpened(
            directory.getFileName().toString(),
            new Event.Identity("support", "agent-0", "pod-uid", "agent", "ann", List.of("dev")),
            "orders-db",
            new Event.Target("PostgreSQL", "127.0.0.1", 5432, "orders"),
            "1.0",
            predecessor));
  }

  long query(String sql, Event.Verdict verdict) {
    return add(
        new Event.OperationRequested(
            1,
            verdict,
            verdict == Event.Verdict.DENIED ? "abcdefghjk" : "",
            READS,
            Statement.of(sql.getBytes(StandardCharsets.UTF_8), false, false),
            List.of(),
            0,
            "",
            verdict == Event.Verdict.DENIED
                ? Optional.of(new Event.Failure("42501", "no"))
                : Optional.empty()));
  }

  private static Rows row(String... values) {
    ByteBuffer out = ByteBuffer.allocate(1_000);
    out.putShort((short) values.length);
    for (String value : values) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      out.putInt(bytes.length).put(bytes);
    }
    return Rows.of(Bytes.EMPTY, 1, out.array(), out.position());
  }

  void answer(long operation, String note) {
    add(
        new Event.OperationCompleted(
            operation,
            List.of(new Event.Result("SELECT 1", COLUMNS, 1, row("1", note))),
            0,
            20,
            1,
            321,
            false,
            Optional.empty()));
  }

  long add(Event event) {
    now += 1_000;
    long number = chain.append(event, now, this::append);
    if (number == 0) {
      throw new IllegalStateException("no room");
    }
    return number;
  }

  void checkpoint() {
    sign(chain.checkpoint(now));
  }

  void sign(Checkpoint checkpoint) {
    if (!chain.append(checkpoint, key.sign(checkpoint), this::append)) {
      throw new IllegalStateException("not appended");
    }
  }

  void rotate() {
    sign(chain.continued(now));
    write(chain.beginSegment(now), -1);
  }

  void seal(String reason) {
    add(new Event.SessionEnded(reason));
    sign(chain.sealed(now));
  }

  private boolean append(byte[] array, int length) {
    write(array, length);
    return true;
  }

  private void write(byte[] array, int length) {
    try {
      Files.write(
          SessionFiles.segment(directory, chain.segment()),
          length < 0 ? array : Arrays.copyOf(array, length),
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
