package dev.chaperone.cli.quickstart;

import dev.chaperone.cli.CommandException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/** The programs of a real PostgreSQL, unpacked once and kept beside the build. */
final class PostgresBinaries {
  private final Path directory;

  private PostgresBinaries(Path directory) {
    this.directory = directory;
  }

  /**
   * Finds the unpacked programs, or unpacks them: beside the build where they are found again next
   * time, or, where that cannot be written or the unprivileged user cannot get there, into the run.
   */
  static PostgresBinaries locate(Path cache, Path run, Unprivileged user)
      throws IOException, InterruptedException {
    Path shared = cache.resolve("postgresql");
    if (!Files.isDirectory(shared) && Files.isWritable(cache)) {
      System.out.println("Unpacking PostgreSQL (only once) ...");
      unpackTo(shared);
    }
    if (user.canRun(program(shared, "postgres"))) {
      return new PostgresBinaries(shared);
    }
    Path own = run.resolve("postgresql");
    unpackTo(own);
    if (!user.canRun(program(own, "postgres"))) {
      throw CommandException.usage(
          "PostgreSQL refuses to run as root, and the user it would run as cannot reach "
              + run
              + ": choose another directory");
    }
    return new PostgresBinaries(own);
  }

  Path program(String name) {
    return program(directory, name);
  }

  private static Path program(Path directory, String name) {
    return directory.resolve("bin").resolve(name);
  }

  private static void unpackTo(Path directory) throws IOException {
    String archive = archiveName();
    Path unfinished = directory.resolveSibling(directory.getFileName() + "-" + randomName());
    try (InputStream packed = PostgresBinaries.class.getResourceAsStream(archive)) {
      if (packed == null) {
        throw CommandException.usage(
            "this build holds no PostgreSQL for this kind of machine (" + archive + ")");
      }
      unpack(packed, unfinished);
      Files.move(unfinished, directory, StandardCopyOption.ATOMIC_MOVE);
    } catch (java.nio.file.FileSystemException e) {
      if (!Files.isDirectory(directory)) {
        throw e;
      }
      // Another quickstart was faster; its copy is as good as ours.
    } finally {
      Directories.remove(unfinished);
    }
  }

  private static String randomName() {
    return Long.toHexString(ProcessHandle.current().pid()) + "-unfinished";
  }

  private static void unpack(InputStream packed, Path directory) throws IOException {
    Files.createDirectories(directory);
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(packed)))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        Path target = directory.resolve(entry.getName()).normalize();
        if (!target.startsWith(directory)) {
          throw new IOException("unexpected path in the archive: " + entry.getName());
        }
        Files.createDirectories(entry.isDirectory() ? target : target.getParent());
        if (entry.isSymbolicLink()) {
          Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
        } else if (entry.isFile()) {
          Files.copy(tar, target);
          Files.setPosixFilePermissions(
              target,
              PosixFilePermissions.fromString(
                  (entry.getMode() & 0100) == 0 ? "rw-r--r--" : "rwxr-xr-x"));
        }
      }
    }
  }

  private static String archiveName() {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String machine = System.getProperty("os.arch");
    return "/postgres-%s-%s.txz"
        .formatted(
            system.startsWith("mac") ? "darwin" : system,
            machine.equals("amd64") ? "x86_64" : machine.equals("aarch64") ? "arm_64" : machine);
  }
}
