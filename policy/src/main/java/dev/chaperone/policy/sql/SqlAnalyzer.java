package dev.chaperone.policy.sql;

import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Operation;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Says what a text sent to PostgreSQL would do. Thread-safe.
 *
 * <p>The text is read by a scanner that is exactly the server's lexer, then statement by statement
 * from its tokens and the catalog; a grammar gives a second opinion on queries. It runs on threads
 * of the analyzer's own, which {@link #close} ends.
 */
public final class SqlAnalyzer implements AutoCloseable {
  private final SqlLimits limits;
  private final JSqlParserGrammar grammar;

  /** An analyzer with its own threads. */
  public SqlAnalyzer(SqlLimits limits) {
    this(limits, new JSqlParserGrammar(limits));
  }

  SqlAnalyzer(SqlLimits limits, JSqlParserGrammar grammar) {
    this.limits = Objects.requireNonNull(limits, "limits");
    this.grammar = grammar;
  }

  /**
   * Analyzes the text of a simple-query or Parse message. Never throws for what a client sent.
   *
   * @param text strictly decoded UTF-8
   * @param session how names resolve for this client now
   * @param names the client's prepared statements and cursors
   */
  public SqlAnalysis analyze(String text, SqlSession session, NamedStatements names) {
    List<List<Token>> statements;
    try {
      List<Token> tokens = SqlScanner.scan(text, limits, session.catalog().serverVersionNum());
      statements = StatementSplitter.split(tokens, limits);
    } catch (UnreadableException e) {
      return e.toAnalysis();
    }
    Scope scope = new Scope(session, names);
    List<SqlStatement> read = new ArrayList<>(statements.size());
    Set<Dependency> dependencies = EnumSet.noneOf(Dependency.class);
    for (List<Token> tokens : statements) {
      StatementReader.Result result = StatementReader.read(tokens, scope, grammar);
      Masking masking = result.reading().masking();
      if (statements.size() > 1 && (masking.derives() || masking.compares())) {
        // A statement before it may give a function or operator another meaning.
        result.reading().masking(masking.notAlone());
      }
      SqlStatement statement =
          result
              .reading()
              .toStatement(CanonicalText.of(tokens), result.command(), statements.size());
      dependencies.addAll(result.reading().dependencies());
      statement.effects().forEach(scope::apply);
      read.add(statement);
    }
    return new SqlAnalysis.Understood(operation(read, dependencies), read);
  }

  private static Operation operation(List<SqlStatement> statements, Set<Dependency> dependencies) {
    StringBuilder text = new StringBuilder();
    List<Operation.Part> parts = new ArrayList<>(statements.size());
    for (SqlStatement statement : statements) {
      if (text.length() > 0) {
        text.append("; ");
      }
      text.append(statement.withBodies());
      parts.add(statement.part());
    }
    return new Operation("PostgreSQL", text.toString(), parts, dependencies);
  }

  @Override
  public void close() {
    grammar.close();
  }
}
