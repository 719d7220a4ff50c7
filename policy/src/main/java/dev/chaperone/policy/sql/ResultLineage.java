package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.Mask;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Where the columns of a text's results come from, for a reader. What the gateway enforces does not
 * rest on it: it follows statements that are refused too.
 */
public final class ResultLineage {
  private final Catalog catalog;
  private final ProtectedColumns protectedColumns;
  private final List<Optional<List<Column>>> statements;
  private final List<List<Lineage>> compared;

  private ResultLineage(
      Catalog catalog,
      ProtectedColumns protectedColumns,
      List<Optional<List<Column>>> statements,
      List<List<Lineage>> compared) {
    this.catalog = catalog;
    this.protectedColumns = protectedColumns;
    this.statements = List.copyOf(statements);
    this.compared = List.copyOf(compared);
  }

  /**
   * A column of a result.
   *
   * @param name empty where the server gives it one
   * @param mask the strictest mask of what it is made of; empty where nothing is protected
   * @param derived whether it is an expression that is replaced as a whole, whatever the mask
   */
  public record Column(
      Optional<String> name, Optional<Mask> mask, Lineage lineage, boolean derived) {
    public Column {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(mask, "mask");
      Objects.requireNonNull(lineage, "lineage");
    }
  }

  /**
   * Follows the statements of a text.
   *
   * @param text the one that was analyzed
   * @param analysis what came of that in the same session
   */
  public static ResultLineage of(String text, SqlAnalysis.Understood analysis, SqlSession session) {
    List<Optional<List<Column>>> statements = new ArrayList<>();
    List<List<Lineage>> compared = new ArrayList<>();
    Scope scope = new Scope(session, NamedStatements.NONE);
    List<List<Token>> split = split(text, session.catalog());
    for (int i = 0; i < analysis.statements().size(); i++) {
      List<Lineage> in = new ArrayList<>();
      statements.add(i < split.size() ? columns(split.get(i), scope, in) : Optional.empty());
      compared.add(List.copyOf(in));
      analysis.statements().get(i).effects().forEach(scope::apply);
    }
    return new ResultLineage(session.catalog(), session.protectedColumns(), statements, compared);
  }

  private static List<List<Token>> split(String text, Catalog catalog) {
    try {
      return StatementSplitter.split(
          SqlScanner.scan(text, SqlLimits.DEFAULT, catalog.serverVersionNum()), SqlLimits.DEFAULT);
    } catch (UnreadableException e) {
      return List.of();
    }
  }

  /** As the statement is judged; where that refuses it, as a view's definition is followed. */
  private static Optional<List<Column>> columns(
      List<Token> tokens, Scope scope, List<Lineage> compared) {
    ClauseCursor in = new ClauseCursor(tokens);
    if (!in.isQueryHead(0) && !in.isDml() && !in.isPunctuation(0, "(")) {
      return Optional.empty();
    }
    List<ResultColumn> result;
    try {
      ColumnQueryReader reader =
          new ColumnQueryReader(in, scope, scope.protectedColumns(), false, true);
      result = reader.statement(new QueryFrame(null));
      if (in.position < in.size) {
        return Optional.empty();
      }
      compared.addAll(reader.comparisons().compared());
    } catch (ColumnUsageException e) {
      result = ColumnUsageReader.lineage(tokens, scope, scope.protectedColumns());
    }
    return Optional.ofNullable(result)
        .map(
            columns ->
                columns.stream()
                    .map(
                        column ->
                            new Column(
                                Optional.ofNullable(column.name()),
                                Optional.ofNullable(column.mask()),
                                column.lineage(),
                                column.derived()))
                    .toList());
  }

  /** The columns that a statement returns, in order; empty where it is not followed. */
  public Optional<List<Column>> columns(int statement) {
    return statements.get(statement);
  }

  /** The protected columns that a statement compares, or sorts or groups by, each once. */
  public List<Lineage> compared(int statement) {
    return compared.get(statement);
  }

  /** What the definition of a view makes a column of; empty for a table's, and where unclear. */
  public Optional<Lineage> definition(Lineage column) {
    String definition = catalog.viewDefinitions().get(column.relation());
    Relation view = catalog.relation(column.relation());
    if (column.kind() != Lineage.Kind.COLUMN || definition == null || view == null) {
      return Optional.empty();
    }
    List<ResultColumn> made = ViewLineage.columns(definition, catalog, protectedColumns);
    List<Catalog.Column> columns = catalog.columns(view);
    if (made == null || made.size() != columns.size()) {
      return Optional.empty();
    }
    for (int i = 0; i < columns.size(); i++) {
      if (columns.get(i).number() == column.number()) {
        return Optional.of(made.get(i).lineage());
      }
    }
    return Optional.empty();
  }
}
