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
  private Process thawing;

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

  /**
   * Mounts a real file system (ext4 in a file) that can be frozen, or skips the test and says why.
   */
  public static SmallDisk mountFreezable(Path directory, int mebibytes) throws IOException {
    Path image = directory.resolveSibling(directory.getFileName() + ".img");
    try (var file = new java.io.RandomAccessFile(image.toFile(), "rw")) {
      file.setLength((long) mebibytes << 20);
    }
    Files.createDirectories(directory);
    for (List<String> command :
        List.of(
            List.of("mkfs.ext4", "-q", image.toString()),
            List.of("mount", "-o", "loop", image.toString(), directory.toString()),
            List.of("fsfreeze", "--freeze", directory.toString()),
            List.of("fsfreeze", "--unfreeze", directory.toString()))) {
      String failure = run(command.toArray(String[]::new));
      if (!failure.isEmpty()) {
        run("umount", "-l", directory.toString());
      }
      Assumptions.assumeTrue(
          failure.isEmpty(), "a file system cannot be mounted and frozen: " + failure);
    }
    return new SmallDisk(directory);
  }

  /** Makes every access that changes it wait, until {@link #thaw} or for half a minute. */
  public void freeze() throws IOException {
    // Whatever becomes of the test, nothing may wait for ever.
    thawing =
        new ProcessBuilder("sh", "-c", "sleep 30; fsfreeze --unfreeze \"$0\"", directory.toString())
            .start();
    requireDone(run("fsfreeze", "--freeze", directory.toString()));
  }

  /** Undoes {@link #freeze}. */
  public void thaw() throws IOException {
    thawing.destroy();
    requireDone(run("fsfreeze", "--unfreeze", directory.toString()));
  }

  private static void requireDone(String failure) throws IOException {
    if (!failure.isEmpty()) {
      throw new IOException(failure);
    }
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
