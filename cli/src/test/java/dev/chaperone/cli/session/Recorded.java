package dev.chaperone.cli.session;

import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.ChainWriter;
import dev.chaperone.recording.Checkpoint;
import dev.chaperone.recording.Columns;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Facts;
import dev.chaperone.recording.MaskFunction;
import dev.chaperone.recording.MasksInForce;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.Repeated;
import dev.chaperone.recording.Rows;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.Statement;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A recording of two statements. */
final class Recorded {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ChainWriter chain;
  private final RecordingKey key;
  private final Path directory;

  private Recorded(Path recordings, String name, RecordingKey key, boolean statements)
      throws IOException {
    this.directory = Files.createDirectories(recordings.resolve(name));
    this.key = key;
    this.chain = new ChainWriter(name, key.publicKey().id());
    out.writeBytes(chain.beginSegment(1));
    add(
        new Event.SessionOpened(
            name,
            new Event.Identity("support", "agent", "uid", "support-agent", "", List.of()),
            "orders-db",
            new Event.Target("PostgreSQL", "127.0.0.1", 5432, "orders"),
            "1",
            Optional.empty()));
    if (statements) {
      query("SELECT 1", Facts.NONE);
      query("SELECT '\u001b[2J\u202e'", Facts.NONE);
    }
  }

  static Path sealed(Path recordings, String name, RecordingKey key) throws IOException {
    return new Recorded(recordings, name, key, true).seal();
  }

  private Path seal() throws IOException {
    add(new Event.SessionEnded("done"));
    Checkpoint seal = chain.sealed(9);
    chain.append(seal, key.sign(seal), this::append);
    return write();
  }

  /**
   * One more statement, which returned a protected column.
   *
   * @param function what the recording says that its values were replaced by
   */
  static Path underMasks(Path recordings, String name, RecordingKey key, MaskFunction function)
      throws IOException {
    Recorded recorded = new Recorded(recordings, name, key, false);
    Repeated<MasksInForce> masks =
        Repeated.of(
            new MasksInForce(
                List.of(
                    new MasksInForce.Rule(
                        "support/agents", "uid", 1, 0, MaskFunction.PARTIAL, "", Bytes.EMPTY)),
                0,
                List.of(
                    new MasksInForce.ProtectedColumn(
                        16_400, 2, "public.c.ssn", MaskFunction.PARTIAL, List.of(0), List.of())),
                0,
                List.of()));
    long asked =
        recorded.query(
            "SELECT ssn FROM c",
            Repeated.of(
                new Facts(
                    "Allow",
                    1,
                    Optional.empty(),
                    "",
                    List.of(),
                    0,
                    List.of(),
                    Optional.of(new Facts.Masking(Optional.of(masks), List.of(1))))));
    Columns.Column ssn =
        Columns.Column.of(
            "ssn", 25, new Columns.Origin(16_400, 2, "public.c.ssn", function, false));
    recorded.add(
        new Event.OperationCompleted(
            asked,
            List.of(
                new Event.Result(
                    "SELECT 1",
                    Repeated.of(new Columns(List.of(ssn), 0, Optional.of(masks))),
                    1,
                    Rows.NONE)),
            0,
            20,
            1,
            1,
            false,
            Optional.empty()));
    return recorded.seal();
  }

  static Path open(Path recordings, String name, RecordingKey key) throws IOException {
    return new Recorded(recordings, name, key, true).write();
  }

  private long query(String sql, Repeated<Facts> facts) {
    return add(
        new Event.OperationRequested(
            1,
            Event.Verdict.ALLOWED,
            "",
            facts,
            Statement.of(sql.getBytes(StandardCharsets.UTF_8), false, false),
            List.of(),
            0,
            "",
            Optional.empty()));
  }

  private long add(Event event) {
    return chain.append(event, chain.events() + 2, this::append);
  }

  private boolean append(byte[] array, int length) {
    out.write(array, 0, length);
    return true;
  }

  private Path write() throws IOException {
    Files.write(directory.resolve(SessionFiles.segmentName(1)), out.toByteArray());
    Files.writeString(directory.resolve(PublicKeyFile.NAME), key.publicKey().pem());
    return directory;
  }
}
