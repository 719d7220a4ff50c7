package dev.chaperone.cli.policy;

import dev.chaperone.policy.VisibleText;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskSource;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.Lineage;
import dev.chaperone.policy.sql.Masking;
import dev.chaperone.policy.sql.ProtectedColumns;
import dev.chaperone.policy.sql.ResultLineage;
import dev.chaperone.policy.sql.SqlAnalysis;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Writes for a reader where the columns of a result come from: a small tree for each. */
final class LineageText {
  /** A tree that has more lines is cut off: a short text may stand for a very large one. */
  private static final int MAX_LINES = 200;

  private static final int MAX_DEPTH = 40;

  /** A column by the numbers of its table and its own. */
  private record Key(long relation, int number) {}

  private final StringBuilder text = new StringBuilder("\nResult columns\n");
  private final Map<Key, String> protections = new HashMap<>();
  private final ResultLineage lineage;
  private int lines;

  private LineageText(
      ResultLineage lineage, ProtectedColumns columns, List<MaskSource> sources, Catalog catalog) {
    this.lineage = lineage;
    for (ProtectedColumns.ProtectedColumn column : columns.all(catalog)) {
      protections.put(new Key(column.relation(), column.number()), protection(column, sources));
    }
  }

  /** Nothing where no statement returns columns that are known. */
  static String of(
      SqlAnalysis.Understood analysis,
      ResultLineage lineage,
      ProtectedColumns columns,
      List<MaskSource> sources,
      Catalog catalog) {
    LineageText writer = new LineageText(lineage, columns, sources, catalog);
    boolean any = false;
    for (int i = 0; i < analysis.statements().size(); i++) {
      Optional<List<ResultLineage.Column>> result = lineage.columns(i);
      if (result.isPresent() && !result.get().isEmpty()) {
        any = true;
        if (analysis.statements().size() > 1) {
          writer.line("statement " + (i + 1));
        }
        boolean refused = analysis.statements().get(i).masking() instanceof Masking.Refused;
        result.get().forEach(column -> writer.column(column, refused));
      }
    }
    String compared = writer.compared(analysis);
    return (any ? writer.text.toString() : "") + compared;
  }

  /** The masked columns that conditions, ORDER BY and GROUP BY use, and which entries allow it. */
  private String compared(SqlAnalysis.Understood analysis) {
    String columns =
        IntStream.range(0, analysis.statements().size())
            .filter(i -> analysis.statements().get(i).masking().compares())
            .mapToObj(lineage::compared)
            .flatMap(List::stream)
            .flatMap(LineageText::bases)
            .distinct()
            .map(column -> "  " + label(column) + ", predicates: Allow\n")
            .collect(Collectors.joining());
    return columns.isEmpty()
        ? ""
        : "\nCompared columns (whoever asks often enough learns their values)\n" + columns;
  }

  /** The columns of tables that a value comes from. */
  private static Stream<Lineage> bases(Lineage lineage) {
    return lineage.kind() == Lineage.Kind.COLUMN
        ? Stream.of(lineage)
        : lineage.from().stream().flatMap(LineageText::bases);
  }

  private static String protection(
      ProtectedColumns.ProtectedColumn column, List<MaskSource> sources) {
    String rules =
        sources.stream()
            .filter(
                source -> source.rule().columns().stream().anyMatch(column.patterns()::contains))
            .map(source -> VisibleText.of(source.toString()))
            .collect(Collectors.joining(", "));
    return column.mask().label() + " by " + (rules.isEmpty() ? "the gateway, always" : rules);
  }

  private void column(ResultLineage.Column column, boolean refused) {
    String name = column.name().map(VisibleText::of).orElse("(without a name)");
    if (column.mask().isEmpty()) {
      line(name + ": as it is");
    } else if (refused) {
      line(name + ": protected, " + column.mask().get().label() + "; the statement is refused");
    } else if (column.derived()) {
      line(name + ": replaced as a whole, " + Mask.REDACT.label() + " or " + Mask.NULL.label());
    } else {
      line(name + ": replaced, " + column.mask().get().label());
    }
    node(column.lineage(), "  ", true, 0);
  }

  private void node(Lineage node, String indent, boolean last, int depth) {
    if (lines > MAX_LINES) {
      return;
    }
    if (lines == MAX_LINES || depth == MAX_DEPTH) {
      line(indent + "...");
      return;
    }
    line(indent + (last ? "\u2514\u2500 " : "\u251c\u2500 ") + label(node));
    String below = indent + (last ? "   " : "\u2502  ");
    List<Lineage> from = node.from();
    Optional<Lineage> definition = lineage.definition(node);
    if (definition.isPresent()) {
      from = List.of(definition.get());
    }
    for (int i = 0; i < from.size(); i++) {
      node(from.get(i), below, i == from.size() - 1, depth + 1);
    }
  }

  private String label(Lineage node) {
    return switch (node.kind()) {
      case COLUMN -> {
        String protection = protections.get(new Key(node.relation(), node.number()));
        yield VisibleText.of(node.label()) + (protection == null ? "" : ": " + protection);
      }
      case QUERY -> VisibleText.of(node.label());
      case COMPUTED -> node.from().isEmpty() ? "no column" : VisibleText.of(node.label()) + " of";
      case UNKNOWN -> "not known";
    };
  }

  private void line(String line) {
    lines++;
    text.append("  ").append(line).append('\n');
  }
}
