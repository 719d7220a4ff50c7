package dev.chaperone.control.resource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * Reads every {@code *.yaml}, {@code *.yml} and {@code *.json} below a directory, in the order of
 * their names.
 *
 * <p>Names that begin with a dot are passed over, so that a mounted ConfigMap, whose files are
 * links into {@code ..data}, is read once. A link is followed only to a regular file within the
 * directory.
 */
public final class ResourceDirectory {
  private static final int MAX_FILES = 1_000;
  private static final long MAX_TOTAL = 32L * 1024 * 1024;

  private ResourceDirectory() {}

  /**
   * Reads a directory.
   *
   * @throws InvalidConfigurationException with every problem of every file
   */
  public static ResourceSet read(Path directory) throws InvalidConfigurationException {
    ResourceReader reader = new ResourceReader(true);
    try {
      Path root = directory.toRealPath();
      if (!Files.isDirectory(root)) {
        throw invalid(directory, "is not a directory");
      }
      List<Path> files = list(root, reader);
      if (files.size() > MAX_FILES) {
        throw invalid(directory, "has more than " + MAX_FILES + " resource files");
      }
      long total = 0;
      for (Path file : files) {
        total += readFile(root, file, reader);
        if (total > MAX_TOTAL) {
          throw invalid(directory, "has more than 32 MiB of resource files");
        }
      }
    } catch (IOException e) {
      throw invalid(directory, "cannot be read: " + reason(e));
    }
    return reader.finish(directory.toString());
  }

  private static InvalidConfigurationException invalid(Path directory, String message) {
    return new InvalidConfigurationException(
        List.of(new Problem(directory.toString(), 0, 0, "", message)));
  }

  private static String reason(IOException e) {
    return e instanceof java.nio.file.NoSuchFileException
        ? "it does not exist"
        : e.getClass().getSimpleName();
  }

  private static List<Path> list(Path root, ResourceReader reader) throws IOException {
    List<Path> files = new ArrayList<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
            return !directory.equals(root) && isHidden(directory)
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (!isHidden(file) && isResource(file)) {
              files.add(file);
            } else if (attributes.isSymbolicLink() && !isHidden(file) && Files.isDirectory(file)) {
              reader.notice(root.relativize(file) + ": links to directories are not followed");
            }
            return FileVisitResult.CONTINUE;
          }
        });
    Collections.sort(files);
    return files;
  }

  private static boolean isHidden(Path path) {
    return path.getFileName().toString().startsWith(".");
  }

  private static boolean isResource(Path path) {
    String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
    return name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json");
  }

  private static long readFile(Path root, Path file, ResourceReader reader) {
    String name = root.relativize(file).toString();
    try {
      Path real = file.toRealPath();
      if (!real.startsWith(root)) {
        reader.problems().add(new Problem(name, 0, 0, "", "is a link that leaves the directory"));
        return 0;
      }
      if (!Files.isRegularFile(real, LinkOption.NOFOLLOW_LINKS)) {
        reader.problems().add(new Problem(name, 0, 0, "", "is not a regular file"));
        return 0;
      }
      byte[] bytes;
      try (InputStream in = Files.newInputStream(real)) {
        bytes = in.readNBytes(YamlReader.MAX_BYTES + 1);
      }
      reader.read(name, bytes);
      return bytes.length;
    } catch (IOException e) {
      reader.problems().add(new Problem(name, 0, 0, "", "cannot be read: " + reason(e)));
      return 0;
    }
  }
}
