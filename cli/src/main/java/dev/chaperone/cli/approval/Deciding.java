package dev.chaperone.cli.approval;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.ExitCode;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What approve and deny have in common: writes a decision and says what became of it. */
final class Deciding {
  private static final int MAX_COMMENT = 1024;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Mixin private final RequestsOption where;

  @Parameters(paramLabel = "NAME", description = "The request's name.")
  private String name;

  @Option(
      names = {"-m", "--message"},
      paramLabel = "TEXT",
      defaultValue = "",
      description = "Why; the agent is told.")
  private String comment;

  Deciding(RequestsOption where) {
    this.where = where;
  }

  Integer decide(ApprovalVerdict verdict) throws IOException, InterruptedException {
    if (comment.codePointCount(0, comment.length()) > MAX_COMMENT) {
      throw CommandException.usage("a message has at most " + MAX_COMMENT + " characters");
    }
    Requests requests = where.open();
    requests.read(name);
    String by = requests.decider();
    requests.add(name, new ApprovalDecision(by, verdict, comment.isEmpty() ? null : comment));
    return awaitAnswer(requests, by);
  }

  private Integer awaitAnswer(Requests requests, String by)
      throws IOException, InterruptedException {
    String answer = requests.patience().await(() -> answer(requests.read(name), by));
    spec.commandLine().getOut().println(name + ": " + answer);
    return ExitCode.OK;
  }

  private static Optional<String> answer(
      Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry, String by) {
    Optional<String> ignored = ignored(entry, by);
    if (ignored.isPresent()) {
      throw CommandException.failed("the decision does not count: " + ignored.get());
    }
    if (!counted(entry, by)) {
      return Optional.empty();
    }
    ApprovalPhase phase = Requests.phase(entry);
    return Optional.of(
        Requests.label(phase)
            + (phase == ApprovalPhase.PENDING
                ? ", "
                    + entry.status().decisions().size()
                    + " of "
                    + entry.spec().request().approvers().count()
                    + " approvals"
                : ""));
  }

  private static boolean counted(
      Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry, String by) {
    return entry.status() != null
        && entry.status().decisions() != null
        && entry.status().decisions().stream().anyMatch(decision -> decision.by().equals(by));
  }

  private static Optional<String> ignored(
      Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry, String by) {
    if (entry.status() == null || entry.status().conditions() == null) {
      return Optional.empty();
    }
    return entry.status().conditions().stream()
        .filter(condition -> condition.type().equals("DecisionIgnored"))
        .map(Condition::message)
        .flatMap(message -> Stream.of(message.split("; ", -1)))
        .filter(message -> message.startsWith(by + ": "))
        .map(VisibleText::of)
        .findFirst();
  }
}
