package dev.chaperone.operator.load;

import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.RecordingStored;
import dev.chaperone.operator.store.TestRecording;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.memory.JournalMemory;
import dev.chaperone.sidecar.control.OperatorListener;
import dev.chaperone.sidecar.control.RecordingShipper;
import dev.chaperone.sidecar.journal.Journal;
import dev.chaperone.sidecar.journal.SessionJournal;
import io.fabric8.kubernetes.api.model.Pod;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What one sidecar has recorded while nobody took it, and the sidecar's own way of bringing it to
 * the store: {@link #ship} begins that.
 */
final class ShippedRecording implements OperatorListener, AutoCloseable {
  /** As long as an agent's statements often are. */
  private static final String STATEMENT =
      "SELECT o.id, o.placed_at, o.total FROM public.orders o JOIN public.customers c"
          + " ON c.id = o.customer_id WHERE c.region = 'north' AND o.total > ";

  private static final int LOOK_EVERY = 1_000;

  private final Path recordings;
  private final String session;
  private final Journal journal;
  private final RecordingShipper shipper;
  private volatile long stored;

  /**
   * Of a pod.
   *
   * @param directory for its files; empty
   */
  ShippedRecording(Path directory, Pod pod) throws IOException {
    this.recordings = directory.resolve("recordings");
    this.session = pod.getMetadata().getName() + "-shipped";
    this.journal =
        new Journal(
            recordings,
            RecordingKey.readOrCreate(
                directory.resolve("key.pem"), directory.resolve("key.pub.pem")),
            new SimpleMeterRegistry());
    this.shipper = new RecordingShipper(journal);
  }

  /** Records operations until the recording is that long, and ends it. */
  void record(Pod pod, long bytes) throws IOException, InterruptedException {
    SessionJournal written =
        journal.open(
            new Event.SessionOpened(
                session,
                new Event.Identity(
                    pod.getMetadata().getNamespace(),
                    pod.getMetadata().getName(),
                    pod.getMetadata().getUid(),
                    LoadCluster.AGENT,
                    "",
                    List.of()),
                LoadCluster.CONNECTION,
                new Event.Target("PostgreSQL", "127.0.0.1", 5432, "orders"),
                "1.0",
                Optional.empty()),
            Duration.ofDays(1));
    for (int i = 0; i % LOOK_EVERY != 0 || bytes() < bytes; i++) {
      while (written.append(TestRecording.query(STATEMENT + i)) == 0) {
        Thread.sleep(1);
      }
    }
    written.end("done");
    LoadCluster.await(
        "the recording is on the disk",
        () -> !journal.isBeingWritten(session) && journal.isOnDisk());
  }

  /** How long it is, in bytes. */
  long bytes() throws IOException {
    long bytes = 0;
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(recordings.resolve(session), "*.seg")) {
      for (Path file : files) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  /** Begins to bring it to the store. */
  void ship() {
    shipper.start();
  }

  /** Whether the store has acknowledged all of it. */
  boolean isStored() throws IOException {
    return stored == bytes();
  }

  /** What the sidecar that holds the conversation tells and is told. */
  List<OperatorListener> listeners() {
    return List.of(this, shipper);
  }

  @Override
  public void opened(Conversation conversation) {}

  @Override
  public void said(FromOperator message) {
    if (message instanceof RecordingStored said && said.session().equals(session)) {
      stored = said.bytes();
    }
  }

  @Override
  public void close() throws IOException {
    shipper.close();
    journal.close();
    JournalMemory.make(recordings).discard();
  }
}
