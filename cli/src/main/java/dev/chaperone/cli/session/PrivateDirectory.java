package dev.chaperone.cli.session;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.stream.Stream;

/** A directory that only this user may look into, and that is gone when the command ends. */
final class PrivateDirectory implements AutoCloseable {
  private final Path path;

  /** Where the user interrupts the command. */
  private final Thread atExit = new Thread(this::deleteQuietly, "recordings-cleanup");

  PrivateDirectory() throws IOException {
    path =
        Files.createTempDirectory(
            "chaperone-recording-",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Runtime.getRuntime().addShutdownHook(atExit);
  }

  Path path() {
    return path;
  }

  private void deleteQuietly() {
    try {
      delete();
    } catch (IOException e) {
      // The process ends; there is nobody to be told.
    }
  }

  private synchronized void delete() throws IOException {
    if (Files.exists(path)) {
      try (Stream<Path> files = Files.walk(path)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    delete();
    try {
      Runtime.getRuntime().removeShutdownHook(atExit);
    } catch (IllegalStateException e) {
      // It is ending already.
    }
  }
}
