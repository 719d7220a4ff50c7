package dev.chaperone.cli.quickstart;

import java.io.IOException;
import java.nio.file.Path;

/** Where the programs of the PostgreSQL are that comes with the build. */
public final class EmbeddedPostgres {
  private EmbeddedPostgres() {}

  /**
   * Unpacks them where they are not.
   *
   * @param run where to, if whoever runs PostgreSQL cannot get to the build
   */
  public static Path binaries(Path run) throws IOException, InterruptedException {
    return PostgresBinaries.locate(Path.of("target"), run, Unprivileged.detect())
        .program("postgres")
        .getParent();
  }
}
