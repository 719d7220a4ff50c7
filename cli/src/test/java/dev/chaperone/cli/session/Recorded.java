package dev.chaperone.cli.session;

import dev.chaperone.recording.ChainWriter;
import dev.chaperone.recording.Checkpoint;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Facts;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordingKey;
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

  private Recorded(Path recordings, String name, RecordingKey key) throws IOException {
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
    query("SELECT 1");
    query("SELECT '\u001b[2J\u202e'");
  }

  static Path sealed(Path recordings, String name, RecordingKey key) throws IOException {
    Recorded recorded = new Recorded(recordings, name, key);
    recorded.add(new Event.SessionEnded("done"));
    Checkpoint seal = recorded.chain.sealed(9);
    recorded.chain.append(seal, key.sign(seal), recorded::append);
    return recorded.write();
  }

  static Path open(Path recordings, String name, RecordingKey key) throws IOException {
    return new Recorded(recordings, name, key).write();
  }

  private void query(String sql) {
    add(
        new Event.OperationRequested(
            1,
            Event.Verdict.ALLOWED,
            "",
            Facts.NONE,
            Statement.of(sql.getBytes(StandardCharsets.UTF_8), false, false),
            List.of(),
            0,
            "",
            Optional.empty()));
  }

  private void add(Event event) {
    chain.append(event, chain.events() + 2, this::append);
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
