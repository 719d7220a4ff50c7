package dev.chaperone.cli.status;

import dev.chaperone.cli.CommandException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Says which gateway a command is about. */
public final class StatusOption {
  private static final String VARIABLE = "CHAPERONE_STATUS";

  @Option(
      names = "--status",
      paramLabel = "DIR",
      description =
          "The gateway's status directory (default: $CHAPERONE_STATUS, else DIR-status beside"
              + " --directory).")
  private Path status;

  @Option(
      names = "--directory",
      paramLabel = "DIR",
      description = "The directory the gateway runs with.")
  private Path directory;

  /** Made by picocli. */
  public StatusOption() {}

  /** The directory, which exists. */
  public Path locate() {
    Path found = named();
    if (!Files.isDirectory(found)) {
      throw CommandException.usage(
          found + ": there is no status directory; is the gateway running with it?");
    }
    return found;
  }

  private Path named() {
    if (status != null) {
      return status;
    }
    if (directory != null) {
      Path absolute = directory.toAbsolutePath().normalize();
      return absolute.resolveSibling(absolute.getFileName() + "-status");
    }
    String variable = System.getenv(VARIABLE);
    if (variable == null || variable.isEmpty()) {
      throw CommandException.usage(
          "say which gateway: --status DIR, --directory DIR, or set " + VARIABLE);
    }
    return Path.of(variable);
  }
}
