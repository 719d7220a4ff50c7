package dev.chaperone.sidecar.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/** A disk of a few mebibytes that can be filled, and made read-only. Needs root. */
public final class SmallDisk implements AutoCloseable {
  private final Path directory;

  private SmallDisk(Path directory) {
    this.directory = directory;
  }

  /** Mounts it, or skips the test and says why. */
  public static SmallDisk mount(Path directory, int kibibytes) throws IOException {
    Files.createDirectories(directory);
    String failure =
        run("mount", "-t", "tmpfs", "-o", "size=" + kibibytes + "k", "tmpfs", directory.toString());
    Assumptions.assumeTrue(failure.isEmpty(), "a small disk cannot be mounted: " + failure);
    return new SmallDisk(directory);
  }

  /** Where it is mounted. */
  public Path directory() {
    return directory;
  }

  /** Uses up all room. */
  public void fill() throws IOException {
    byte[] block = new byte[4 << 10];
    try (var out = Files.newOutputStream(directory.resolve("filler"))) {
      while (true) {
        out.write(block);
      }
    } catch (IOException e) {
      // It is full.
    }
  }

  /** Undoes {@link #fill}. */
  public void makeRoom() throws IOException {
    Files.delete(directory.resolve("filler"));
  }

  /** Makes it read-only, or writable again. */
  public void readOnly(boolean is) throws IOException {
    String failure = run("mount", "-o", "remount," + (is ? "ro" : "rw"), directory.toString());
    Assumptions.assumeTrue(failure.isEmpty(), "the disk cannot be made read-only: " + failure);
  }

  @Override
  public void close() throws IOException {
    run("umount", "-l", directory.toString());
  }

  /** Returns the error, or nothing. */
  private static String run(String... command) throws IOException {
    try {
      Process process = new ProcessBuilder(List.of(command)).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return process.waitFor() == 0 ? "" : output.strip() + " (" + command[0] + ")";
    } catch (IOException e) {
      return command[0] + " is not there";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
  }
}
