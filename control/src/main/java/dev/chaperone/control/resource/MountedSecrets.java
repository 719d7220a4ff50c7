package dev.chaperone.control.resource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Secrets as a cluster mounts them: {@code <root>/<connection>/<secret>/<key>}, one file for each
 * key. A file may be a link, as the cluster's own are, but not to a place outside of the Secret's
 * directory. Names that begin with a dot are the cluster's and are passed over.
 */
public final class MountedSecrets {
  private static final System.Logger LOGGER = System.getLogger(MountedSecrets.class.getName());
  private static final int MAX_KEYS = 256;

  private final Path root;

  /** Secrets below a directory; read anew each time they are asked for. */
  public MountedSecrets(Path root) {
    this.root = root;
  }

  /**
   * A Secret.
   *
   * @return empty where there is none, or where it cannot be read as a whole
   */
  public Optional<Secret> read(String connection, String name) {
    if (!isName(connection) || !isName(name)) {
      return Optional.empty();
    }
    try {
      Path directory = root.resolve(connection).resolve(name).toRealPath();
      Map<String, byte[]> values = new LinkedHashMap<>();
      try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
        for (Path file : files) {
          String key = file.getFileName().toString();
          if (!key.startsWith(".")) {
            if (values.size() >= MAX_KEYS) {
              throw new IOException("more than " + MAX_KEYS + " keys");
            }
            values.put(key, value(directory, file));
          }
        }
      }
      return Optional.of(new Secret(values));
    } catch (IOException e) {
      // The message of such an exception is a path, and no part of a value.
      LOGGER.log(
          System.Logger.Level.WARNING,
          "Secret cannot be read connection={0} name={1} cause={2}",
          connection,
          name,
          e.toString());
      return Optional.empty();
    }
  }

  private static byte[] value(Path directory, Path file) throws IOException {
    Path real = file.toRealPath();
    if (!real.startsWith(directory) || !Files.isRegularFile(real, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException(file.getFileName() + " is not a file of this directory");
    }
    try (InputStream in = Files.newInputStream(real)) {
      byte[] value = in.readNBytes(ResourceReader.MAX_SECRET + 1);
      if (value.length > ResourceReader.MAX_SECRET) {
        throw new IOException(file.getFileName() + " is larger than 1 MiB");
      }
      return value;
    }
  }

  /** The pattern has no slash; a name that is dots alone does not begin like a name. */
  private static boolean isName(String name) {
    return ResourceReader.NAME.matcher(name).matches();
  }
}
