package dev.chaperone.cli.policy;

import dev.chaperone.policy.VisibleText;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.Masking;
import dev.chaperone.policy.sql.ProtectedColumns;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.SqlAttributes;
import dev.chaperone.policy.sql.SqlStatement;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Writes for a reader what would be masked in the results of a text. */
final class MaskingText {
  private final StringBuilder text = new StringBuilder("\nMasking\n");

  private MaskingText() {}

  static String of(
      SqlAnalysis.Understood analysis, Masks masks, ProtectedColumns columns, Catalog catalog) {
    MaskingText writer = new MaskingText();
    if (!catalog.isOpen()) {
      for (ProtectedColumns.Unresolved unresolved : columns.unresolved()) {
        writer.line(
            "the mask " + unresolved.pattern() + " names no column: " + unresolved.consequence());
      }
    }
    for (SqlStatement statement : analysis.statements()) {
      writer.statement(statement, columns, catalog);
    }
    if (!masks.detectors().isEmpty()) {
      writer.line(
          "text of every result is searched for "
              + masks.detectors().entrySet().stream()
                  .map(entry -> entry.getKey().label() + " (" + entry.getValue().label() + ")")
                  .sorted()
                  .collect(Collectors.joining(", ")));
    }
    return writer.text.toString();
  }

  private void statement(SqlStatement statement, ProtectedColumns columns, Catalog catalog) {
    Masking masking = statement.masking();
    if (masking instanceof Masking.Refused refused) {
      line("refused: " + VisibleText.of(refused.reason()));
      line("  " + VisibleText.of(refused.hint()));
    } else if (masking instanceof Masking.Projects projects) {
      line(
          projects.columns().isEmpty()
              ? "no masked column is in the result"
              : "masked in the result: " + names(projects.columns()));
      if (!projects.maskedParameters().isEmpty()) {
        line(
            "parameters for masked columns: "
                + projects.maskedParameters().stream()
                    .sorted()
                    .map(number -> "$" + number)
                    .collect(Collectors.joining(", ")));
      }
      if (projects.hidesLiterals()) {
        line("shown to approvers and recorded without its literals");
      }
    } else {
      line("no masked column is touched");
    }
    if (statement.part().attributes().get(SqlAttributes.TABLES) instanceof List<?> tables) {
      for (Object table : tables) {
        Map<String, Mask> masked = columns.columns((String) table, catalog);
        if (!masked.isEmpty()) {
          line(
              "  "
                  + VisibleText.of((String) table)
                  + ": "
                  + masked.entrySet().stream()
                      .map(entry -> VisibleText.of(entry.getKey()) + " " + entry.getValue().label())
                      .collect(Collectors.joining(", ")));
        }
      }
    }
  }

  private static String names(List<String> names) {
    return names.stream().map(VisibleText::of).collect(Collectors.joining(", "));
  }

  private void line(String line) {
    text.append("  ").append(line).append('\n');
  }
}
