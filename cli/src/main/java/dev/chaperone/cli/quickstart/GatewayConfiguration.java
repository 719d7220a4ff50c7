package dev.chaperone.cli.quickstart;

import dev.chaperone.cli.CommandException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;

/** The example's YAML as this run uses it: its own port, and a Secret with its own password. */
final class GatewayConfiguration {
  /** The group that the example's policy names as approvers. */
  static final String APPROVERS = "dba";

  static final String CONNECTION = "orders-db";
  static final int PORT = 15_432;

  private static final String SECRET_FILE = "secret.yaml";

  private GatewayConfiguration() {}

  /** Writes the configuration directory of a run. */
  static void write(Path example, Path directory, int port, String password) throws IOException {
    if (!Files.isDirectory(example)) {
      throw CommandException.usage(example + " is missing");
    }
    Directories.createPrivate(directory);
    for (Path file : yamlFiles(example)) {
      Path target = directory.resolve(file.getFileName().toString());
      String text = Files.readString(file);
      if (file.getFileName().toString().equals(SECRET_FILE)) {
        Files.createFile(
            target,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        text = secret(password);
      }
      Files.writeString(target, text.replace("port: " + PORT, "port: " + port));
    }
  }

  private static List<Path> yamlFiles(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(file -> file.getFileName().toString().endsWith(".yaml")).toList();
    }
  }

  private static String secret(String password) {
    return """
    # Made by the quickstart for this run alone.
    apiVersion: v1
    kind: Secret
    metadata:
      name: %s
      namespace: support
    stringData:
      username: %s
      password: %s
    """
        .formatted(CONNECTION, SampleDatabase.ROLE, password);
  }
}
