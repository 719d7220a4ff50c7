package dev.chaperone.cli.approval;

import dev.chaperone.cli.ExitCode;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestAccess;
import dev.chaperone.crds.v1alpha1.RequestParameter;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows one request, whole. */
@Command(
    name = "show",
    description = "Show what a request asks for, and who has decided what.",
    mixinStandardHelpOptions = true)
public final class ShowCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private final RequestsOption where;

  @Parameters(paramLabel = "NAME", description = "The request's name.")
  private String name;

  /** About the requests that an option names. */
  public ShowCommand(RequestsOption where) {
    this.where = where;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry = where.open().read(name);
    PrintWriter out = spec.commandLine().getOut();
    Request request = entry.spec().request();
    line(out, "Request", entry.name());
    line(out, "Phase", Requests.label(Requests.phase(entry)));
    line(out, "Connection", request.connection());
    line(out, "Session", request.session());
    line(out, "Requester", request.requester().username() + " in pod " + request.requester().pod());
    line(out, "Rule", request.policy().name() + "/" + request.policy().rule());
    line(out, "Decided by", approvers(request));
    line(out, "Expires", request.expiresAt());
    out.println("Operation:");
    out.println("  " + VisibleText.of(request.operation().text()));
    List<RequestParameter> parameters = orNone(request.operation().parameters());
    for (int i = 0; i < parameters.size(); i++) {
      RequestParameter parameter = parameters.get(i);
      out.printf(
          "  $%d %s: %s%n",
          i + 1,
          VisibleText.of(String.valueOf(parameter.type())),
          Boolean.TRUE.equals(parameter.masked())
              ? "(masked)"
              : parameter.value() == null ? "NULL" : "'" + VisibleText.of(parameter.value()) + "'");
    }
    out.println("It does:");
    for (RequestAccess access : request.operation().accesses()) {
      String effect = access.effect().name();
      out.printf(
          "  %s: %s on %s%n",
          effect.charAt(0) + effect.substring(1).toLowerCase(Locale.ROOT),
          VisibleText.of(access.command()),
          VisibleText.of(access.resource()));
    }
    for (ApprovalDecision decision : entry.spec().decisions()) {
      line(
          out,
          decision.verdict().name().equals("APPROVE") ? "Approved by" : "Denied by",
          VisibleText.of(decision.by())
              + (decision.comment() == null ? "" : ": " + VisibleText.of(decision.comment())));
    }
    if (entry.status() != null && entry.status().conditions() != null) {
      for (Condition condition : entry.status().conditions()) {
        line(out, condition.type(), VisibleText.of(String.valueOf(condition.message())));
      }
    }
    return ExitCode.OK;
  }

  private static String approvers(Request request) {
    List<String> who = new ArrayList<>();
    orNone(request.approvers().groups()).forEach(group -> who.add("group " + group));
    orNone(request.approvers().users()).forEach(user -> who.add("user " + user));
    return String.join(", ", who)
        + (request.approvers().count() > 1 ? "; " + request.approvers().count() + " of them" : "");
  }

  /** What a resource does not have is not in it at all. */
  private static <T> List<T> orNone(List<T> list) {
    return list == null ? List.of() : list;
  }

  private static void line(PrintWriter out, String name, String value) {
    out.printf("%-12s %s%n", name + ":", VisibleText.of(value));
  }
}
