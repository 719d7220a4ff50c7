package dev.chaperone.cli.session;

import dev.chaperone.cli.ExitCode;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Ends a session for good. */
@Command(
    name = "revoke",
    description =
        "End a session: its clients are closed, what they do is cancelled, new ones are refused.",
    mixinStandardHelpOptions = true)
public final class RevokeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private final SessionsOption where;

  @Parameters(paramLabel = "SESSION", description = "The session's name.")
  private String name;

  /** About the sessions that an option names. */
  public RevokeCommand(SessionsOption where) {
    this.where = where;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Sessions sessions = where.open();
    sessions.revoke(name);
    String phase =
        sessions
            .patience()
            .await(
                () ->
                    Optional.of(Sessions.phase(sessions.read(name)))
                        .filter(SessionPhase.REVOKED::equals)
                        .map(Sessions::label));
    spec.commandLine().getOut().println(name + ": " + phase);
    return ExitCode.OK;
  }
}
