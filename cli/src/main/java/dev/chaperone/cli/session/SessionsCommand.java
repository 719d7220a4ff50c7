package dev.chaperone.cli.session;

import dev.chaperone.cli.ExitCode;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.SessionPhase;
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
  private static final String LINE =
      "%1$-44s %2$-8s %3$-16s %4$-20s %5$8s %6$7s %7$9s %8$8s %9$-20s%n";

  @Spec private CommandSpec spec;
  @Mixin private final SessionsOption where;

  @Option(names = "--active", description = "Those that go on alone.")
  private boolean active;

  /** About the sessions that an option names. */
  public SessionsCommand(SessionsOption where) {
    this.where = where;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    Sessions sessions = where.open();
    List<Entry<AgentSessionSpec, AgentSessionStatus>> entries =
        new ArrayList<>(sessions.all(spec.commandLine().getErr()));
    if (active) {
      entries.removeIf(entry -> Sessions.phase(entry) != SessionPhase.ACTIVE);
    }
    if (entries.isEmpty()) {
      out.println("No sessions.");
      return ExitCode.OK;
    }
    entries.sort(Comparator.comparing(entry -> entry.spec().startedAt()));
    String line = sessions.spanNamespaces() ? "%10$-20s " + LINE : LINE;
    out.printf(
        line,
        "NAME",
        "PHASE",
        "CONNECTION",
        "AGENT",
        "ALLOWED",
        "DENIED",
        "APPROVED",
        "ROWS",
        "LAST ACTIVITY",
        "NAMESPACE");
    entries.forEach(entry -> print(out, line, entry));
    return ExitCode.OK;
  }

  private static void print(
      PrintWriter out, String line, Entry<AgentSessionSpec, AgentSessionStatus> entry) {
    AgentSessionStatus state = entry.status();
    OperationCounts counts = state == null ? null : state.operations();
    out.printf(
        line,
        entry.name(),
        Sessions.label(Sessions.phase(entry)),
        VisibleText.of(entry.spec().connection()),
        VisibleText.of(entry.spec().identity().serviceAccount()),
        count(counts == null ? null : counts.allowed()),
        count(counts == null ? null : counts.denied()),
        count(counts == null ? null : counts.approved()),
        count(state == null ? null : state.rows()),
        state == null || state.lastActivity() == null ? "-" : state.lastActivity(),
        entry.namespace());
  }

  private static String count(Long number) {
    return number == null ? "-" : number.toString();
  }
}
