package dev.chaperone.policy.sql;

import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Effect;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
 * bound on the processor's time it may take, and any Throwable of it means that it could not read
 * the statement.
 */
final class JSqlParserGrammar implements Grammar, AutoCloseable {
  private static final int THREADS = 2;
  private static final int WAITING = 64;
  private static final long STACK_BYTES = 16L << 20;

  /** Longer statements are not given to the parser. */
  private static final int MAX_CHARACTERS = 128 * 1024;

  /** What the parser is slow at is nesting; deeper statements are not given to it. */
  private static final int MAX_DEPTH = 60;

  /**
   * How many times its time-out a parse may wait for a processor: a machine that was busy for a
   * moment is no reason to refuse a statement.
   */
  private static final int PATIENCE = 20;

  private static final String WARM_UP = "update a set b = 1 where c in (select d from e limit 1)";

  private final ThreadPoolExecutor threads;
  private final long timeoutNanos;

  JSqlParserGrammar(SqlLimits limits) {
    this(limits, newThreads());
  }

  JSqlParserGrammar(SqlLimits limits, ThreadPoolExecutor threads) {
    this.threads = threads;
    timeoutNanos = limits.parserTimeout().toNanos();
    // The first parse of a process takes longer than the deadline allows: it loads the tables.
    parse(WARM_UP, TimeUnit.SECONDS.toNanos(10));
    parse("insert into a (b) select * from c", TimeUnit.SECONDS.toNanos(10));
  }

  static ThreadPoolExecutor newThreads() {
    ThreadPoolExecutor threads =
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
    return threads;
  }

  /**
   * What the grammar says of a statement.
   *
   * @param where whether what is written is restricted; INSERT and MERGE have no WHERE of their own
   *     and the grammar has no say there
   */
  private record Facts(
      String target, boolean where, boolean select, Set<String> tables, Set<String> columns) {}

  /**
   * What came of a parse.
   *
   * @param lasting whether it would be the same at another time
   */
  private record Answer(Optional<Facts> facts, boolean lasting) {
    static final Answer UNREADABLE = new Answer(Optional.empty(), true);
    static final Answer TOO_LATE = new Answer(Optional.empty(), false);
  }

  @Override
  public void check(List<Token> query, Scope scope, Reading reading) {
    boolean writes = !reading.targets().isEmpty();
    String text = depth(query) > MAX_DEPTH ? "" : CanonicalText.withoutLiterals(query);
    if (!writes) {
      // The grammar has no say in what a query reads; it only knows the columns.
      reading.columns(() -> columns(read(text)));
      return;
    }
    Answer answer = read(text);
    if (!answer.lasting()) {
      // A machine that was busy for a moment is no reason to refuse the same statement from then
      // on.
      reading.dependsOn(Dependency.SESSION);
    }
    Optional<Facts> facts = answer.facts();
    reading.columns(() -> columns(answer));
    if (!facts.map(f -> agrees(f, reading)).orElse(false)) {
      for (String target : reading.targets()) {
        reading.add(Effect.UNKNOWN, "UNKNOWN", target);
      }
    }
  }

  private static Set<String> columns(Answer answer) {
    return answer.facts().map(Facts::columns).orElseThrow(UnknownColumnsException::new);
  }

  private Answer read(String text) {
    return text.isEmpty() ? Answer.UNREADABLE : parse(text, timeoutNanos);
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

  private Answer parse(String text, long nanos) {
    if (text.length() > MAX_CHARACTERS) {
      return Answer.UNREADABLE;
    }
    Parse parse = new Parse(text);
    Future<Optional<Facts>> future;
    try {
      future = threads.submit(parse);
    } catch (RejectedExecutionException e) {
      return Answer.TOO_LATE;
    }
    try {
      int waits = 0;
      do {
        Optional<Optional<Facts>> answer = answer(future, nanos);
        if (answer.isPresent()) {
          return new Answer(answer.get(), true);
        }
      } while (++waits < PATIENCE && parse.processorNanos() < nanos);
      return abandon(future, parse);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return abandon(future, parse);
    } catch (ExecutionException e) {
      return Answer.UNREADABLE;
    }
  }

  private static <T> Optional<T> answer(Future<T> future, long nanos)
      throws InterruptedException, ExecutionException {
    try {
      return Optional.of(future.get(nanos, TimeUnit.NANOSECONDS));
    } catch (TimeoutException e) {
      return Optional.empty();
    }
  }

  private static Answer abandon(Future<?> future, Parse parse) {
    future.cancel(true);
    parse.stop();
    return Answer.TOO_LATE;
  }

  /** One parse, on one of the threads. */
  private static final class Parse implements Callable<Optional<Facts>> {
    private final String text;
    private volatile CCJSqlParser parser;
    private volatile long thread;
    private volatile long begin;

    Parse(String text) {
      this.text = text;
    }

    // The parser answers bad input with unchecked exceptions and with StackOverflowError.
    @Override
    @SuppressWarnings("CatchAndPrintStackTrace")
    public Optional<Facts> call() {
      begin = ThreadTimes.ofThisThread();
      thread = Thread.currentThread().getId();
      try {
        CCJSqlParser made = CCJSqlParserUtil.newParser(text).withAllowComplexParsing(true);
        parser = made;
        Statement statement = made.Statement();
        return statement == null ? Optional.empty() : facts(statement);
      } catch (Throwable e) {
        return Optional.empty();
      }
    }

    /** How much of a processor it took so far; 0 while it has not begun. */
    long processorNanos() {
      return thread == 0 ? 0 : ThreadTimes.of(thread) - begin;
    }

    void stop() {
      CCJSqlParser running = parser;
      if (running != null) {
        running.interrupted = true;
      }
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
