package dev.chaperone.cli.session;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.ExitCode;
import dev.chaperone.cli.status.StatusOption;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import java.io.IOException;
import java.time.Duration;
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
  /** The gateway ends it within a second, and says so a moment later. */
  private static final Duration SEEN_WITHIN = Duration.ofSeconds(4);

  @Spec private CommandSpec spec;
  @Mixin private StatusOption status;

  @Parameters(paramLabel = "SESSION", description = "The session's name.")
  private String name;

  /** Made by picocli. */
  public RevokeCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    Sessions sessions = new Sessions(status.locate());
    requireActive(sessions.read(name));
    try {
      sessions
          .files()
          .locked(
              () -> {
                Entry<AgentSessionSpec, AgentSessionStatus> entry = sessions.read(name);
                requireActive(entry);
                sessions.files().write(entry.withSpec(revoked(entry.spec())));
                return null;
              });
    } catch (InvalidConfigurationException e) {
      throw CommandException.failed(e.problems().get(0).toString());
    }
    long deadline = System.nanoTime() + SEEN_WITHIN.toNanos();
    while (System.nanoTime() < deadline) {
      if (Sessions.phase(sessions.read(name)) == SessionPhase.REVOKED) {
        spec.commandLine().getOut().println(name + ": Revoked");
        return ExitCode.OK;
      }
      Thread.sleep(20);
    }
    throw CommandException.failed(
        "it was written that the session is revoked, and no gateway has taken note of it yet; is it"
            + " running?");
  }

  private void requireActive(Entry<?, AgentSessionStatus> entry) {
    SessionPhase phase = Sessions.phase(entry);
    if (phase != SessionPhase.ACTIVE) {
      throw CommandException.failed(name + " is over: " + Sessions.label(phase));
    }
  }

  private static AgentSessionSpec revoked(AgentSessionSpec spec) {
    return new AgentSessionSpec(
        spec.pod(), spec.podUid(), spec.connection(), spec.identity(), spec.startedAt(), true);
  }
}
