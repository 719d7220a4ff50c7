package dev.chaperone.policy.testing;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/** The programs of the newest PostgreSQL, as an artifact of the build; for Linux on x86-64. */
public final class PostgresArchive {
  private static final String ARCHIVE = "/postgres-linux-x86_64.txz";

  private PostgresArchive() {}

  /**
   * Unpacks the programs.
   *
   * @return the directory with {@code initdb} and {@code postgres}, readable for everyone, or empty
   *     where this machine cannot run them
   */
  public static Optional<Path> unpack(Path directory) throws IOException {
    try (InputStream packed = PostgresArchive.class.getResourceAsStream(ARCHIVE)) {
      return unpack(packed, directory);
    }
  }

  /**
   * Unpacks the programs of another version.
   *
   * @param jar the artifact of that version
   */
  public static Optional<Path> unpack(Path jar, Path directory) throws IOException {
    try (JarFile file = new JarFile(jar.toFile())) {
      JarEntry entry = file.getJarEntry(ARCHIVE.substring(1));
      try (InputStream packed = entry == null ? null : file.getInputStream(entry)) {
        return unpack(packed, directory);
      }
    }
  }

  private static Optional<Path> unpack(InputStream packed, Path directory) throws IOException {
    boolean runs =
        System.getProperty("os.name").equals("Linux")
            && System.getProperty("os.arch").equals("amd64");
    if (packed == null || !runs) {
      return Optional.empty();
    }
    Files.createDirectories(directory);
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(new XZInputStream(new BufferedInputStream(packed)))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        write(tar, entry, directory);
      }
    }
    return Optional.of(directory.resolve("bin"));
  }

  private static void write(TarArchiveInputStream tar, TarArchiveEntry entry, Path directory)
      throws IOException {
    Path target = directory.resolve(entry.getName()).normalize();
    if (!target.startsWith(directory)) {
      throw new IOException("unexpected path in the archive: " + entry.getName());
    }
    Files.createDirectories(entry.isDirectory() ? target : target.getParent());
    if (entry.isSymbolicLink()) {
      Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
    } else if (entry.isFile()) {
      Files.copy(tar, target);
      boolean program = (entry.getMode() & 0100) != 0;
      Files.setPosixFilePermissions(
          target, PosixFilePermissions.fromString(program ? "rwxr-xr-x" : "rw-r--r--"));
    }
  }
}
