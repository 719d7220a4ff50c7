package dev.chaperone.cli.approval;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.ExitCode;
import dev.chaperone.cli.status.StatusOption;
import dev.chaperone.control.approval.ApprovalDecisions;
import dev.chaperone.control.approval.ApprovalDecisions.NotDecidable;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What approve and deny have in common: writes a decision and says what the gateway made of it. */
final class Deciding {
  /** The gateway sees a decision within a second. */
  private static final Duration SEEN_WITHIN = Duration.ofSeconds(3);

  private static final int MAX_COMMENT = 1024;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Mixin private StatusOption status;

  @Parameters(paramLabel = "NAME", description = "The request's name.")
  private String name;

  @Option(
      names = {"-m", "--message"},
      paramLabel = "TEXT",
      defaultValue = "",
      description = "Why; the agent is told.")
  private String comment;

  @Option(
      names = "--as",
      paramLabel = "USER",
      description = "Who decides (default: the user who runs the command).")
  private String user;

  Integer decide(ApprovalVerdict verdict) throws IOException, InterruptedException {
    if (comment.codePointCount(0, comment.length()) > MAX_COMMENT) {
      throw CommandException.usage("a message has at most " + MAX_COMMENT + " characters");
    }
    Requests requests = new Requests(status.locate());
    requests.read(name);
    String by = user == null ? System.getProperty("user.name") : user;
    try {
      ApprovalDecisions.add(
          requests.files(),
          name,
          new ApprovalDecision(by, verdict, comment.isEmpty() ? null : comment));
    } catch (NotDecidable e) {
      throw CommandException.failed(e.getMessage());
    } catch (InvalidConfigurationException e) {
      throw CommandException.failed(e.problems().get(0).toString());
    }
    return awaitAnswer(requests, by);
  }

  private Integer awaitAnswer(Requests requests, String by)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + SEEN_WITHIN.toNanos();
    while (System.nanoTime() < deadline) {
      Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry = requests.read(name);
      Optional<String> ignored = ignored(entry, by);
      if (ignored.isPresent()) {
        throw CommandException.failed("the decision does not count: " + ignored.get());
      }
      if (counted(entry, by)) {
        ApprovalPhase phase = Requests.phase(entry);
        spec.commandLine()
            .getOut()
            .printf(
                "%s: %s%s%n",
                name,
                Requests.label(phase),
                phase == ApprovalPhase.PENDING
                    ? ", "
                        + entry.status().decisions().size()
                        + " of "
                        + entry.spec().request().approvers().count()
                        + " approvals"
                    : "");
        return ExitCode.OK;
      }
      Thread.sleep(20);
    }
    throw CommandException.failed(
        "the decision was written, and no gateway has taken note of it yet; is it running?");
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
