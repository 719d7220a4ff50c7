package dev.chaperone.policy.sql;

import dev.chaperone.policy.Effect;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import net.sf.jsqlparser.parser.CCJSqlParser;
import net.sf.jsqlparser.parser.CCJSqlParserUtil;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.Statement;
import net.sf.jsqlparser.statement.delete.Delete;
import net.sf.jsqlparser.statement.insert.Insert;
import net.sf.jsqlparser.statement.merge.Merge;
import net.sf.jsqlparser.statement.select.AllColumns;
import net.sf.jsqlparser.statement.select.AllTableColumns;
import net.sf.jsqlparser.statement.select.Select;
import net.sf.jsqlparser.statement.update.Update;
import net.sf.jsqlparser.util.TablesNamesFinder;

/**
 * JSqlParser as the second opinion.
 *
 * <p>It never sees the client's text, since its lexer is not PostgreSQL's, but canonical text
 * without literals. Its parser recurses and backtracks: it runs on threads with a big stack, with a
 * deadline, and any Throwable of it means that it could not read the statement.
 */
final class JSqlParserGrammar implements Grammar, AutoCloseable {
  private static final int THREADS = 2;
  private static final int WAITING = 64;
  private static final long STACK_BYTES = 16L << 20;

  /** Longer statements are not given to the parser. */
  private static final int MAX_CHARACTERS = 128 * 1024;

  /** What the parser is slow at is nesting; deeper statements are not given to it. */
  private static final int MAX_DEPTH = 60;

  private static final String WARM_UP = "update a set b = 1 where c in (select d from e limit 1)";

  private final ThreadPoolExecutor threads;
  private final long timeoutNanos;

  JSqlParserGrammar(SqlLimits limits) {
    timeoutNanos = limits.parserTimeout().toNanos();
    threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(WAITING),
            task -> {
              Thread thread = new Thread(null, task, "sql-grammar", STACK_BYTES);
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
    // The first parse of a process takes longer than the deadline allows: it loads the tables.
    parse(WARM_UP, TimeUnit.SECONDS.toNanos(10));
    parse("insert into a (b) select * from c", TimeUnit.SECONDS.toNanos(10));
  }

  /**
   * What the grammar says of a statement.
   *
   * @param where whether what is written is restricted; INSERT and MERGE have no WHERE of their own
   *     and the grammar has no say there
   */
  private record Facts(
      String target, boolean where, boolean select, Set<String> tables, Set<String> columns) {}

  @Override
  public void check(List<Token> query, Scope scope, Reading reading) {
    boolean writes = !reading.targets().isEmpty();
    String text = depth(query) > MAX_DEPTH ? "" : CanonicalText.withoutLiterals(query);
    if (!writes) {
      // The grammar has no say in what a query reads; it only knows the columns.
      if (!text.isEmpty()) {
        reading.columns(() -> parse(text, timeoutNanos).map(Facts::columns).orElse(Set.of()));
      }
      return;
    }
    Optional<Facts> facts = text.isEmpty() ? Optional.empty() : parse(text, timeoutNanos);
    facts.ifPresent(f -> reading.columns(f::columns));
    if (!facts.map(f -> agrees(f, reading)).orElse(false)) {
      for (String target : reading.targets()) {
        reading.add(Effect.UNKNOWN, "UNKNOWN", target);
      }
    }
  }

  private static boolean agrees(Facts facts, Reading reading) {
    Set<String> names = new LinkedHashSet<>();
    for (String table : reading.tables()) {
      names.add(table.substring(table.indexOf('.') + 1));
    }
    if (!names.containsAll(facts.tables())) {
      return false;
    }
    if (facts.select()) {
      // WITH d AS (DELETE ...) SELECT: the grammar's statement is the query.
      return true;
    }
    for (String target : reading.targets()) {
      if (target.substring(target.indexOf('.') + 1).equals(facts.target())) {
        return facts.where() || !reading.hasWhere();
      }
    }
    return false;
  }

  private static int depth(List<Token> tokens) {
    int depth = 0;
    int deepest = 0;
    for (Token token : tokens) {
      if (token.isPunctuation("(") || token.isWord("case")) {
        deepest = Math.max(deepest, ++depth);
      } else if (token.isPunctuation(")") || token.isWord("end")) {
        depth--;
      }
    }
    return deepest;
  }

  private Optional<Facts> parse(String text, long nanos) {
    if (text.length() > MAX_CHARACTERS) {
      return Optional.empty();
    }
    AtomicReference<CCJSqlParser> parser = new AtomicReference<>();
    Future<Optional<Facts>> future;
    try {
      future = threads.submit(() -> parseHere(text, parser));
    } catch (RejectedExecutionException e) {
      return Optional.empty();
    }
    try {
      return future.get(nanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      return abandon(future, parser);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return abandon(future, parser);
    } catch (ExecutionException e) {
      return Optional.empty();
    }
  }

  private static Optional<Facts> abandon(Future<?> future, AtomicReference<CCJSqlParser> parser) {
    future.cancel(true);
    CCJSqlParser running = parser.get();
    if (running != null) {
      running.interrupted = true;
    }
    return Optional.empty();
  }

  // The parser answers bad input with unchecked exceptions and with StackOverflowError.
  @SuppressWarnings("CatchAndPrintStackTrace")
  private static Optional<Facts> parseHere(String text, AtomicReference<CCJSqlParser> current) {
    try {
      CCJSqlParser parser = CCJSqlParserUtil.newParser(text).withAllowComplexParsing(true);
      current.set(parser);
      Statement statement = parser.Statement();
      return statement == null ? Optional.empty() : facts(statement);
    } catch (Throwable e) {
      return Optional.empty();
    }
  }

  private static Optional<Facts> facts(Statement statement) {
    Names names = new Names();
    Set<String> tables = new LinkedHashSet<>();
    for (String table : names.getTables(statement)) {
      tables.add(lastName(table));
    }
    if (statement instanceof Insert insert) {
      return Optional.of(facts(insert.getTable(), true, tables, names.columns));
    }
    if (statement instanceof Update update) {
      return Optional.of(
          facts(update.getTable(), update.getWhere() != null, tables, names.columns));
    }
    if (statement instanceof Delete delete) {
      return Optional.of(
          facts(delete.getTable(), delete.getWhere() != null, tables, names.columns));
    }
    if (statement instanceof Merge merge) {
      return Optional.of(facts(merge.getTable(), true, tables, names.columns));
    }
    if (statement instanceof Select) {
      return Optional.of(new Facts("", false, true, tables, names.columns));
    }
    return Optional.empty();
  }

  private static Facts facts(Table target, boolean where, Set<String> tables, Set<String> columns) {
    return new Facts(lastName(target.getName()), where, false, tables, columns);
  }

  /** The last part of a qualified name, without quotes. */
  private static String lastName(String name) {
    if (!name.endsWith("\"")) {
      return name.substring(name.lastIndexOf('.') + 1);
    }
    int start = name.length() - 2;
    while (start >= 0) {
      if (name.charAt(start) == '"') {
        if (start > 0 && name.charAt(start - 1) == '"') {
          start--;
        } else {
          break;
        }
      }
      start--;
    }
    return name.substring(start + 1, name.length() - 1).replace("\"\"", "\"");
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }

  /** Collects column names beside the tables. */
  private static final class Names extends TablesNamesFinder<Void> {
    final Set<String> columns = new LinkedHashSet<>();

    @Override
    public <S> Void visit(Column column, S context) {
      columns.add(lastName(column.getColumnName()));
      return super.visit(column, context);
    }

    @Override
    public <S> Void visit(AllColumns all, S context) {
      columns.add("*");
      return super.visit(all, context);
    }

    @Override
    public <S> Void visit(AllTableColumns all, S context) {
      columns.add("*");
      return super.visit(all, context);
    }
  }
}
