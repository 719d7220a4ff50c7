package dev.chaperone.cli.policy;

import com.google.errorprone.annotations.FormatMethod;
import dev.chaperone.policy.Decision;
import dev.chaperone.policy.Explanation;
import dev.chaperone.policy.Operation;
import dev.chaperone.policy.Policy;
import dev.chaperone.policy.VisibleText;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.SqlStatement;
import java.util.List;
import java.util.Map;

/** Writes for a reader how a text was understood and why it was decided as it was. */
final class ExplanationText {
  private final StringBuilder text = new StringBuilder();

  private ExplanationText() {}

  static String unreadable(SqlAnalysis.Unreadable analysis) {
    return "It cannot be read, so no policy can allow it: %s (SQLSTATE %s).%n%nDeny%n"
        .formatted(VisibleText.of(analysis.message()), analysis.sqlState());
  }

  static String of(SqlAnalysis.Understood analysis, Explanation explanation) {
    ExplanationText writer = new ExplanationText();
    List<SqlStatement> statements = analysis.statements();
    for (int i = 0; i < statements.size(); i++) {
      writer.statement(i, statements, explanation);
    }
    writer.decision(analysis, explanation.decision());
    return writer.text.toString();
  }

  private void statement(int index, List<SqlStatement> statements, Explanation explanation) {
    SqlStatement statement = statements.get(index);
    if (statements.size() > 1) {
      line("Statement %d of %d", index + 1, statements.size());
    }
    line("Read as: %s", VisibleText.of(statement.canonical()));
    attributes(statement.part());
    statement.refusal().ifPresent(reason -> line("Refused under any policy: %s", reason));
    if (statement.part().isNeutral()) {
      line("Accesses: none; allowed wherever any rule allows something on this connection");
    }
    for (Explanation.OfAccess access : explanation.accesses()) {
      if (access.part() == index) {
        access(access);
      }
    }
    text.append('\n');
  }

  private void attributes(Operation.Part part) {
    line("Command: %s", VisibleText.of(part.command()));
    for (Map.Entry<String, Object> attribute : sorted(part.attributes())) {
      String value = String.valueOf(attribute.getValue());
      if (value.startsWith("[") && attribute.getValue() instanceof List) {
        value = value.substring(1, value.length() - 1);
      }
      if (!value.isEmpty()) {
        line("  %s: %s", attribute.getKey(), VisibleText.of(value));
      }
    }
  }

  private static List<Map.Entry<String, Object>> sorted(Map<String, Object> attributes) {
    return attributes.entrySet().stream().sorted(Map.Entry.comparingByKey()).toList();
  }

  private void access(Explanation.OfAccess access) {
    line(
        "Access: %s -> %s, %s",
        VisibleText.of(access.access().toString()),
        access.action().label(),
        access.decidedBy().map(rule -> "by " + rule).orElse("no rule matches"));
    for (Explanation.OfPolicy policy : access.policies()) {
      line(
          "  policy %s%s",
          policy.policy(),
          policy.mode() == Policy.Mode.OBSERVE ? " (Observe: decides nothing)" : "");
      for (Explanation.OfRule rule : policy.rules()) {
        line("    %-9s %s%s", verdict(rule), rule.rule(), reason(rule));
      }
    }
  }

  private static String verdict(Explanation.OfRule rule) {
    if (!rule.matched()) {
      return "no match";
    }
    return rule.decides() ? "DECIDES" : "matches";
  }

  private static String reason(Explanation.OfRule rule) {
    if (rule.detail().isEmpty()) {
      return rule.matched() ? " (" + rule.action().label() + ")" : "";
    }
    return ": " + VisibleText.of(rule.detail());
  }

  private void decision(SqlAnalysis.Understood analysis, Decision decision) {
    if (analysis.refusal().isPresent()) {
      line("Deny");
      line("  %s", analysis.refusal().get());
      return;
    }
    if (decision instanceof Decision.Allow) {
      line("Allow");
    } else if (decision instanceof Decision.RequireApproval) {
      line("RequireApproval");
    } else if (decision instanceof Decision.Deny deny) {
      line("Deny");
      line("  %s", VisibleText.of(deny.message()));
      if (!deny.hint().isEmpty()) {
        line("  %s", VisibleText.of(deny.hint()));
      }
    }
    String reason = VisibleText.of(decision.basis().reason());
    if (!reason.isEmpty() && text.indexOf("\n  " + reason + "\n") < 0) {
      line("  %s", reason);
    }
  }

  @FormatMethod
  private void line(String format, Object... arguments) {
    text.append(format.formatted(arguments)).append('\n');
  }
}
