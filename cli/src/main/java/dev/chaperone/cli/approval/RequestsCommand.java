package dev.chaperone.cli.approval;

import dev.chaperone.cli.ExitCode;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists requests, a line each. */
@Command(
    name = "requests",
    description = "List the operations that wait for approval.",
    mixinStandardHelpOptions = true)
public final class RequestsCommand implements Callable<Integer> {
  private static final String LINE = "%1$-32s %2$-10s %3$-8s %4$-24s %5$s%n";
  private static final int TEXT_CHARACTERS = 60;

  @Spec private CommandSpec spec;
  @Mixin private final RequestsOption where;

  @Option(names = "--all", description = "Those that are decided or over as well.")
  private boolean all;

  /** About the requests that an option names. */
  public RequestsCommand(RequestsOption where) {
    this.where = where;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    Requests requests = where.open();
    String line = requests.spanNamespaces() ? "%6$-20s " + LINE : LINE;
    boolean any = false;
    for (Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry :
        requests.all(spec.commandLine().getErr())) {
      ApprovalPhase phase = Requests.phase(entry);
      if (!all && phase != ApprovalPhase.PENDING && phase != ApprovalPhase.APPROVED) {
        continue;
      }
      if (!any) {
        out.printf(line, "NAME", "PHASE", "EXPIRES", "RULE", "OPERATION", "NAMESPACE");
        any = true;
      }
      out.printf(
          line,
          entry.name(),
          Requests.label(phase),
          phase == ApprovalPhase.PENDING ? distance(entry.spec().request().expiresAt()) : "-",
          entry.spec().request().policy().name() + "/" + entry.spec().request().policy().rule(),
          shortened(VisibleText.of(entry.spec().request().operation().text())),
          entry.namespace());
    }
    if (!any) {
      out.println(all ? "No requests." : "Nothing waits for approval.");
    }
    return ExitCode.OK;
  }

  /** How far ahead a time is, as kubectl says it. */
  private static String distance(String time) {
    try {
      Duration duration = Duration.between(Instant.parse(time), Instant.now()).abs();
      if (duration.toMinutes() < 2) {
        return duration.toSeconds() + "s";
      }
      if (duration.toHours() < 2) {
        return duration.toMinutes() + "m";
      }
      return duration.toDays() < 2 ? duration.toHours() + "h" : duration.toDays() + "d";
    } catch (DateTimeParseException e) {
      return "?";
    }
  }

  private static String shortened(String text) {
    return text.length() > TEXT_CHARACTERS ? text.substring(0, TEXT_CHARACTERS) + "..." : text;
  }
}
