package dev.chaperone.cli.approval;

import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Refuse an operation that waits. */
@Command(
    name = "deny",
    description = "Refuse an operation that waits.",
    mixinStandardHelpOptions = true)
public final class DenyCommand implements Callable<Integer> {
  @Mixin private final Deciding deciding;

  /** About the requests that an option names. */
  public DenyCommand(RequestsOption where) {
    this.deciding = new Deciding(where);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    return deciding.decide(ApprovalVerdict.DENY);
  }
}
