package dev.chaperone.cli.session;

import dev.chaperone.cli.ExitCode;
import dev.chaperone.cli.status.StatusOption;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists sessions, a line each. */
@Command(
    name = "sessions",
    description = "List who uses which connection, and what they did.",
    mixinStandardHelpOptions = true)
public final class SessionsCommand implements Callable<Integer> {
  private static final String LINE = "%-44s %-8s %-16s %-20s %8s %7s %9s %8s %-20s%n";

  @Spec private CommandSpec spec;
  @Mixin private StatusOption status;

  @Option(names = "--active", description = "Those that go on alone.")
  private boolean active;

  /** Made by picocli. */
  public SessionsCommand() {}

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    Sessions sessions = new Sessions(status.locate());
    List<Entry<AgentSessionSpec, AgentSessionStatus>> entries = new ArrayList<>();
    for (String name : sessions.files().names()) {
      try {
        sessions.files().read(name).ifPresent(entries::add);
      } catch (InvalidConfigurationException e) {
        spec.commandLine().getErr().println(e.problems().get(0));
      }
    }
    if (active) {
      entries.removeIf(
          entry -> Sessions.phase(entry) != dev.chaperone.crds.v1alpha1.SessionPhase.ACTIVE);
    }
    if (entries.isEmpty()) {
      out.println("No sessions.");
      return ExitCode.OK;
    }
    entries.sort(Comparator.comparing(entry -> entry.spec().startedAt()));
    out.printf(
        LINE,
        "NAME",
        "PHASE",
        "CONNECTION",
        "AGENT",
        "ALLOWED",
        "DENIED",
        "APPROVED",
        "ROWS",
        "LAST ACTIVITY");
    entries.forEach(entry -> print(out, entry));
    return ExitCode.OK;
  }

  private static void print(PrintWriter out, Entry<AgentSessionSpec, AgentSessionStatus> entry) {
    AgentSessionStatus state = entry.status();
    OperationCounts counts = state == null ? null : state.operations();
    out.printf(
        LINE,
        entry.name(),
        Sessions.label(Sessions.phase(entry)),
        VisibleText.of(entry.spec().connection()),
        VisibleText.of(entry.spec().identity().serviceAccount()),
        count(counts == null ? null : counts.allowed()),
        count(counts == null ? null : counts.denied()),
        count(counts == null ? null : counts.approved()),
        count(state == null ? null : state.rows()),
        state == null || state.lastActivity() == null ? "-" : state.lastActivity());
  }

  private static String count(Long number) {
    return number == null ? "-" : number.toString();
  }
}
