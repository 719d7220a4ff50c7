package dev.chaperone.cli.approval;

import dev.chaperone.cli.status.StatusOption;
import picocli.CommandLine.Mixin;

/** Requests of the gateway whose directory is named. */
public class DirectoryOption implements RequestsOption {
  @Mixin private StatusOption status;

  /** With nothing set. */
  public DirectoryOption() {}

  @Override
  public final Requests open() {
    return new DirectoryRequests(status.locate(), decider());
  }

  String decider() {
    return System.getProperty("user.name");
  }
}
