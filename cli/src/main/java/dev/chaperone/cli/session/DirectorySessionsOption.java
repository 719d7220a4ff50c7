package dev.chaperone.cli.session;

import dev.chaperone.cli.status.StatusOption;
import picocli.CommandLine.Mixin;

/** Sessions of the gateway whose directory is named. */
public final class DirectorySessionsOption implements SessionsOption {
  @Mixin private StatusOption status;

  /** With nothing set. */
  public DirectorySessionsOption() {}

  @Override
  public Sessions open() {
    return new DirectorySessions(status.locate());
  }
}
