package dev.chaperone.control.resource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.concurrent.TimeUnit;

/**
 * What tells two states of a file apart without reading it.
 *
 * @param file its identity on the file system; null where there is none
 * @param modified nanoseconds since 1970
 * @param bytes its size
 */
public record FileStamp(Object file, long modified, long bytes) {
  static FileStamp of(Path path) throws IOException {
    return of(Files.readAttributes(path, BasicFileAttributes.class));
  }

  /** What a file is like that has these attributes. */
  public static FileStamp of(BasicFileAttributes attributes) {
    return new FileStamp(
        attributes.fileKey(),
        attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS),
        attributes.size());
  }
}
