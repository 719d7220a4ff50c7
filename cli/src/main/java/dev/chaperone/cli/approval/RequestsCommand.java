package dev.chaperone.cli.approval;

import dev.chaperone.cli.ExitCode;
import dev.chaperone.cli.status.StatusOption;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
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
  private static final String LINE = "%-32s %-10s %-8s %-24s %s%n";
  private static final int TEXT_CHARACTERS = 60;

  @Spec private CommandSpec spec;
  @Mixin private StatusOption status;

  @Option(names = "--all", description = "Those that are decided or over as well.")
  private boolean all;

  /** Made by picocli. */
  public RequestsCommand() {}

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    Requests requests = new Requests(status.locate());
    List<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> entries = new ArrayList<>();
    for (String name : requests.files().names()) {
      try {
        Optional<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> entry =
            requests.files().read(name);
        entry.ifPresent(entries::add);
      } catch (InvalidConfigurationException e) {
        spec.commandLine().getErr().println(e.problems().get(0));
      }
    }
    entries.sort(Comparator.comparing(Entry::created));
    boolean any = false;
    for (Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry : entries) {
      ApprovalPhase phase = Requests.phase(entry);
      if (!all && phase != ApprovalPhase.PENDING && phase != ApprovalPhase.APPROVED) {
        continue;
      }
      if (!any) {
        out.printf(LINE, "NAME", "PHASE", "EXPIRES", "RULE", "OPERATION");
        any = true;
      }
      out.printf(
          LINE,
          entry.name(),
          Requests.label(phase),
          phase == ApprovalPhase.PENDING
              ? Requests.distance(entry.spec().request().expiresAt())
              : "-",
          entry.spec().request().policy().name() + "/" + entry.spec().request().policy().rule(),
          shortened(VisibleText.of(entry.spec().request().operation().text())));
    }
    if (!any) {
      out.println(all ? "No requests." : "Nothing waits for approval.");
    }
    return ExitCode.OK;
  }

  private static String shortened(String text) {
    return text.length() > TEXT_CHARACTERS ? text.substring(0, TEXT_CHARACTERS) + "..." : text;
  }
}
