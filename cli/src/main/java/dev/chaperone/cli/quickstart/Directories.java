package dev.chaperone.cli.quickstart;

import dev.chaperone.cli.CommandException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.stream.Stream;

/** Makes and removes the directories of a run. */
final class Directories {
  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final FileAttribute<Set<PosixFilePermission>> PASSABLE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx--x--x"));

  private Directories() {}

  /** Makes the directory of a run that is removed at its end. */
  static Path temporary() throws IOException {
    // Others may pass through, since the database may run as another user; nobody else may look.
    return Files.createTempDirectory("chaperone-quickstart-", PASSABLE);
  }

  /** Makes the directory of a run that is kept, or takes an empty one. */
  static Path kept(Path directory) throws IOException {
    Path absolute = directory.toAbsolutePath().normalize();
    if (Files.isDirectory(absolute)) {
      try (Stream<Path> entries = Files.list(absolute)) {
        if (entries.findAny().isPresent()) {
          throw CommandException.usage(directory + " is not empty; name a new directory");
        }
      }
      Files.setPosixFilePermissions(absolute, PosixFilePermissions.fromString("rwx--x--x"));
      return absolute;
    }
    if (Files.exists(absolute)) {
      throw CommandException.usage(directory + " is not a directory");
    }
    if (!Files.isDirectory(absolute.getParent())) {
      throw CommandException.usage(absolute.getParent() + " does not exist");
    }
    return Files.createDirectory(absolute, PASSABLE);
  }

  /** Makes a directory only its owner can enter. */
  static Path createPrivate(Path directory) throws IOException {
    return Files.createDirectory(directory, PRIVATE);
  }

  /** Removes a directory with everything in it, also what is still being added while we do. */
  static void remove(Path directory) {
    IOException last = null;
    for (int attempt = 0; attempt < 5 && Files.exists(directory); attempt++) {
      try {
        removeOnce(directory);
        return;
      } catch (IOException e) {
        last = e;
      }
    }
    if (last != null && Files.exists(directory)) {
      throw new UncheckedIOException("cannot remove " + directory, last);
    }
  }

  private static void removeOnce(Path directory) throws IOException {
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
            if (e instanceof NoSuchFileException) {
              return FileVisitResult.CONTINUE;
            }
            throw e;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.deleteIfExists(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
