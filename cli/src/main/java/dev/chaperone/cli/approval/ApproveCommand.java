package dev.chaperone.cli.approval;

import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Let an operation that waits go on. */
@Command(
    name = "approve",
    description = "Let an operation that waits go on.",
    mixinStandardHelpOptions = true)
public final class ApproveCommand implements Callable<Integer> {
  @Mixin private final Deciding deciding;

  /** About the requests that an option names. */
  public ApproveCommand(RequestsOption where) {
    this.deciding = new Deciding(where);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    return deciding.decide(ApprovalVerdict.APPROVE);
  }
}
