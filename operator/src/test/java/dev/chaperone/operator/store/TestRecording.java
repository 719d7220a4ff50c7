package dev.chaperone.operator.store;

import dev.chaperone.operator.channel.SidecarPod;
import dev.chaperone.recording.ChainWriter;
import dev.chaperone.recording.Checkpoint;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Facts;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.Statement;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A sidecar's recording of one session, made event by event. */
public final class TestRecording {
  private final Path directory;
  private final RecordingKey key;
  private final ChainWriter chain;
  private long now = 1_795_284_000_000_000L;

  /** Begins one in a directory of its name. */
  public TestRecording(Path recordings, SidecarPod pod, String name, RecordingKey key) {
    this.directory = recordings.resolve(name);
    this.key = key;
    this.chain = new ChainWriter(name, key.publicKey().id());
    begin();
    add(
        new Event.SessionOpened(
            name,
            new Event.Identity(
                pod.namespace(), pod.name(), pod.uid(), pod.serviceAccount(), "", List.of()),
            "orders",
            new Event.Target("PostgreSQL", "127.0.0.1", 5432, "orders"),
            "1.0",
            Optional.empty()));
  }

  /** What a sidecar that lies would put in the place of a recording: right in itself. */
  public static void forged(
      Path recordings, SidecarPod pod, String name, RecordingKey key, int queries) {
    new TestRecording(recordings, pod, name, key).queries(queries, "SELECT 'nothing' || ");
  }

  Path directory() {
    return directory;
  }

  Head head() {
    return chain.head();
  }

  private void begin() {
    byte[] header = chain.beginSegment(now);
    append(header, header.length);
  }

  /** Records queries, with a checkpoint behind them. */
  TestRecording queries(int count, String text) {
    for (int i = 0; i < count; i++) {
      add(query(text + i));
    }
    sign(chain.checkpoint(now));
    return this;
  }

  /** An event that a gateway records. */
  public static Event query(String text) {
    return new Event.OperationRequested(
        1,
        Event.Verdict.ALLOWED,
        "",
        Facts.NONE,
        Statement.of(text.getBytes(StandardCharsets.UTF_8), false, false),
        List.of(),
        0,
        "",
        Optional.empty());
  }

  TestRecording nextSegment() {
    sign(chain.continued(now));
    begin();
    return this;
  }

  TestRecording seal() {
    add(new Event.SessionEnded("done"));
    sign(chain.sealed(now));
    return this;
  }

  private void add(Event event) {
    now += 1_000;
    if (chain.append(event, now, this::append) == 0) {
      throw new IllegalStateException("no room");
    }
  }

  private void sign(Checkpoint checkpoint) {
    if (!chain.append(checkpoint, key.sign(checkpoint), this::append)) {
      throw new IllegalStateException("not appended");
    }
  }

  private boolean append(byte[] bytes, int length) {
    try {
      Files.createDirectories(directory);
      Files.write(
          directory.resolve(SessionFiles.segmentName(chain.segment())),
          Arrays.copyOf(bytes, length),
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
