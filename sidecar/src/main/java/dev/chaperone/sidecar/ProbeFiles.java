package dev.chaperone.sidecar;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.EnumMap;
import java.util.Map;

/**
 * What the probes of the sidecar's container read: one file for each thing that holds, with the
 * time at which it held last. A probe compares that time with now; it starts no second Java, asks
 * nobody, and nothing that the agent can reach has a part in it.
 *
 * <p>The time is the machine's whole seconds since its start, as {@code /proc/uptime} says them: it
 * never goes back, and a shell can read it with nothing but itself. Each file is written in place
 * and holds its time twice: a full volume does not stop that, and what is half written is seen.
 */
final class ProbeFiles implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(ProbeFiles.class.getName());
  private static final Path UPTIME = Path.of("/proc/uptime");

  /** What a probe can ask for, by the name of its file. */
  enum Probe {
    started,
    ready,
    alive
  }

  private final Path directory;
  private final Map<Probe, FileChannel> files = new EnumMap<>(Probe.class);

  /**
   * Makes the files; nothing holds yet, whatever a container before this one has left there.
   *
   * @throws IOException when they cannot be made
   */
  ProbeFiles(Path directory) throws IOException {
    this.directory = Files.createDirectories(directory);
    for (Probe probe : Probe.values()) {
      files.put(
          probe,
          FileChannel.open(
              directory.resolve(probe.name()),
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING));
    }
  }

  /**
   * Says that it holds now.
   *
   * @throws IOException when that cannot be written
   */
  void holds(Probe probe) throws IOException {
    write(probe, uptimeSeconds());
  }

  /**
   * Says that it does not hold, at once and not only when its time has become old.
   *
   * @throws IOException when that cannot be written
   */
  void holdsNot(Probe probe) throws IOException {
    write(probe, 0);
  }

  private void write(Probe probe, long seconds) throws IOException {
    // Always of one length, so that what was there before is written over as a whole.
    String line = "%012d".formatted(seconds);
    ByteBuffer bytes =
        ByteBuffer.wrap((line + " " + line + "\n").getBytes(StandardCharsets.US_ASCII));
    FileChannel file = files.get(probe);
    for (long at = 0; bytes.hasRemaining(); ) {
      at += file.write(bytes, at);
    }
  }

  private static long uptimeSeconds() throws IOException {
    String text = Files.readString(UPTIME, StandardCharsets.US_ASCII);
    return Long.parseLong(text.substring(0, text.indexOf('.')));
  }

  @Override
  public void close() {
    for (Probe probe : Probe.values()) {
      try {
        files.get(probe).close();
        Files.deleteIfExists(directory.resolve(probe.name()));
      } catch (IOException e) {
        // What stays becomes old by itself.
        LOGGER.log(System.Logger.Level.DEBUG, "{0} stays", probe);
      }
    }
  }
}
