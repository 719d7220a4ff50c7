package dev.chaperone.policy.sql;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.testing.Catalogs;
import dev.chaperone.policy.testing.PostgresServer;
import dev.chaperone.policy.testing.PostgresWire;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/**
 * Runs statements on a scratch database and compares what they changed with what the analysis says
 * of them. What is judged to read at most must leave the database, the server and other sessions as
 * they were, and change of its own session only what the analysis tells the gateway to follow.
 *
 * <p>Statements are committed: what changes nothing can be. That anything was written shows in the
 * server's next transaction number, which is taken even by what is rolled back, in this session or
 * another; what takes no number (sequences, locks, slots, files, settings) is looked at by itself.
 * Every while the whole content of the database is compared.
 */
final class EffectProbe implements AutoCloseable {
  static final String DATABASE = "scratch";

  private static final SqlLimits LIMITS = SqlLimits.DEFAULT;

  /** What docs/policy-reference.md calls neutral, written down once more: an independent oracle. */
  private static final Set<String> NEUTRAL_SETTINGS =
      Set.of(
          "TimeZone",
          "DateStyle",
          "IntervalStyle",
          "extra_float_digits",
          "bytea_output",
          "application_name",
          "statement_timeout",
          "lock_timeout",
          "idle_in_transaction_session_timeout",
          "idle_session_timeout",
          "transaction_timeout",
          "work_mem",
          "synchronize_seqscans",
          "restrict_nonsystem_relation_kind",
          "client_min_messages",
          "client_encoding",
          "standard_conforming_strings",
          "transaction_isolation",
          "transaction_read_only",
          "transaction_deferrable",
          "default_transaction_isolation",
          "default_transaction_read_only",
          "default_transaction_deferrable");

  private static final String SESSION_STATE =
      """
      SELECT 'user', current_user || ' ' || session_user
      UNION ALL SELECT 'path', pg_catalog.current_setting('search_path')
      UNION ALL SELECT 'custom', pg_catalog.current_setting('chaperone.custom', true)
      UNION ALL SELECT 'setting ' || name, setting FROM pg_catalog.pg_settings
                 WHERE source = 'session' AND name <> 'search_path'
      UNION ALL SELECT 'prepared ' || name, '' FROM pg_catalog.pg_prepared_statements
      UNION ALL SELECT 'cursor ' || name, '' FROM pg_catalog.pg_cursors WHERE name <> ''
      UNION ALL SELECT 'temporary ' || relname, '' FROM pg_catalog.pg_class c
                 WHERE c.relpersistence = 't' AND relkind IN ('r', 'v', 'S', 'm', 'p')
      UNION ALL SELECT 'listens to ' || c, '' FROM pg_catalog.pg_listening_channels() AS c
      UNION ALL SELECT 'lock ' || locktype || ' ' || mode, '' FROM pg_catalog.pg_locks
                 WHERE pid = pg_catalog.pg_backend_pid() AND locktype IN ('relation', 'tuple', 'advisory')
                   AND mode NOT IN ('AccessShareLock', 'SIReadLock')
      """;

  private static final String PRELUDE =
      "PREPARE p0 AS SELECT 1;"
          + " PREPARE p1(int) AS SELECT $1;"
          + " PREPARE p2(text, int) AS SELECT $1, $2;"
          + " PREPARE pm(mood) AS SELECT $1;"
          + " PREPARE pe(evil) AS SELECT $1;"
          + " DECLARE c0 CURSOR WITH HOLD FOR SELECT 1;"
          + " DECLARE c1 CURSOR WITH HOLD FOR SELECT id FROM orders";

  /** What came of one statement. */
  record Outcome(Kind kind, List<String> problems) {
    enum Kind {
      /** The lexer alone rejects it. */
      UNREADABLE,
      /** It is judged to do more than read, so it was not run. */
      JUDGED_MORE,
      /** It was run, and the server rejects it. */
      REJECTED,
      RAN
    }
  }

  private final PostgresWire subject;
  private final ServerWatch watch;
  private final SqlAnalyzer analyzer = new SqlAnalyzer(LIMITS);
  private final Catalog catalog;
  private final String role;
  private final Names names = new Names();
  private Map<String, String> session;

  /**
   * @param role that statements run as
   */
  EffectProbe(PostgresServer server, String role, Catalog catalog, ServerWatch watch)
      throws IOException {
    this.role = role;
    this.catalog = catalog;
    this.watch = watch;
    subject = new PostgresWire(server.port(), DATABASE);
    // The schema of its temporary objects stays, and is none of theirs.
    subject.query("CREATE TEMP TABLE first (); DROP TABLE first");
    reset();
    for (List<Token> tokens : statements(PRELUDE)) {
      names.follow(analyze(CanonicalText.of(tokens), names));
    }
    watch.changes(false);
  }

  /** Where a statement may write files, if it can; the server owns it. */
  static Path files(PostgresServer server) throws IOException {
    Path files = Files.createDirectories(server.directory().resolve("files"));
    Files.setPosixFilePermissions(files, PosixFilePermissions.fromString("rwxrwxrwx"));
    return files;
  }

  /** Makes the scratch database: statements of scripts, without those this server cannot do. */
  static Catalog make(PostgresServer server, List<String> scripts, Path files)
      throws IOException, SQLException {
    try (PostgresWire maker = new PostgresWire(server.port(), "postgres")) {
      maker.query("CREATE DATABASE " + DATABASE);
      maker.query("CREATE ROLE app");
    }
    List<String> skipped = new ArrayList<>();
    try (PostgresWire maker = new PostgresWire(server.port(), DATABASE)) {
      for (String script : scripts) {
        for (List<Token> statement : statements(places(script, server, files))) {
          PostgresWire.Answer answer = maker.query(CanonicalText.of(statement));
          if (!answer.isSuccess()) {
            skipped.add(answer.error());
          }
        }
      }
      maker.query(
          "GRANT ALL ON ALL TABLES IN SCHEMA public, shadow TO app;"
              + " GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app;"
              + " GRANT USAGE ON SCHEMA shadow TO app; GRANT CREATE ON SCHEMA public TO app");
    }
    System.out.println("== scratch database goes without: " + skipped);
    try (Connection connection = server.connect(DATABASE)) {
      return Catalogs.load(connection);
    }
  }

  /** A text with the places that only this run knows. */
  static String places(String text, PostgresServer server, Path files) {
    return text.replace("${PGPORT}", Integer.toString(server.port()))
        .replace("${OUTDIR}", files.toString());
  }

  private static List<List<Token>> statements(String script) {
    try {
      return StatementSplitter.split(SqlScanner.scan(script, LIMITS, 150_000), LIMITS);
    } catch (UnreadableException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private SqlAnalysis analyze(String sql, NamedStatements known) {
    return analyzer.analyze(
        sql, new SqlSession(catalog, role, List.of(List.of("public")), Set.of()), known);
  }

  /**
   * Judges a statement, and runs it if it is judged to do no more than read or change a session.
   */
  Outcome tryOut(String sql, boolean inTransaction) throws IOException {
    if (!(analyze(sql, names) instanceof SqlAnalysis.Understood understood)) {
      return new Outcome(Outcome.Kind.UNREADABLE, List.of());
    }
    Set<Effect> effects = EnumSet.noneOf(Effect.class);
    understood.operation().parts().stream()
        .flatMap(part -> part.accesses().stream())
        .map(Access::effect)
        .forEach(effects::add);
    boolean changesSession = effects.remove(Effect.SESSION_STATE);
    effects.remove(Effect.READ);
    if (!effects.isEmpty() || understood.refusal().isPresent()) {
      return new Outcome(Outcome.Kind.JUDGED_MORE, List.of());
    }
    if (inTransaction) {
      subject.query("BEGIN");
    }
    PostgresWire.Answer answer = subject.query(sql);
    Map<String, String> then = null;
    if (answer.transaction() == 'T') {
      then = sessionState();
      answer = subject.query("COMMIT").isSuccess() ? answer : subject.query("SELECT 1/0");
    } else if (answer.transaction() == 'E') {
      subject.query("ROLLBACK");
    }
    Map<String, String> now = sessionState();
    List<String> problems = new ArrayList<>();
    List<SessionEffect> announced =
        understood.statements().stream().flatMap(s -> s.effects().stream()).toList();
    if (then != null && isPlanned(understood)) {
      // Planning a write locks its table as other writers do, which keeps none of them out.
      then.keySet().removeIf(name -> name.matches("lock relation Row(Exclusive|Share)Lock"));
    }
    if (then != null) {
      compareSession(then, announced, changesSession, problems);
    }
    compareSession(now, announced, changesSession, problems);
    String changes = watch.changes(changesSession);
    if (!changes.isEmpty()) {
      problems.add("changed the server: " + changes);
    }
    if (!now.equals(session)) {
      reset();
      watch.changes(false);
    }
    return new Outcome(
        answer.isSuccess() ? Outcome.Kind.RAN : Outcome.Kind.REJECTED,
        List.copyOf(new TreeSet<>(problems)));
  }

  private static boolean isPlanned(SqlAnalysis.Understood understood) {
    return understood.operation().parts().stream()
        .anyMatch(part -> part.command().equals("EXPLAIN"));
  }

  /** What differs between the session and how it was, and was not announced. */
  private void compareSession(
      Map<String, String> now,
      List<SessionEffect> announced,
      boolean changesSession,
      List<String> problems) {
    Set<String> names = new TreeSet<>(now.keySet());
    names.addAll(session.keySet());
    for (String name : names) {
      String value = now.get(name);
      if (Objects.equals(value, session.get(name))) {
        continue;
      }
      String what = name.substring(name.indexOf(' ') + 1);
      boolean fine =
          switch (name.contains(" ") ? name.substring(0, name.indexOf(' ')) : name) {
            case "user" -> announced.stream().anyMatch(SessionEffect.ChangesRole.class::isInstance);
            case "path" ->
                announced.stream().anyMatch(SessionEffect.ChangesSearchPath.class::isInstance)
                    || announced.stream().anyMatch(SessionEffect.ChangesRole.class::isInstance);
            case "prepared" ->
                value == null
                    || announced.stream()
                        .anyMatch(
                            e -> e instanceof SessionEffect.Prepares p && p.name().equals(what));
            case "cursor" ->
                value == null
                    || announced.stream()
                        .anyMatch(
                            e ->
                                e instanceof SessionEffect.DeclaresCursor c
                                    && c.name().equals(what));
            case "temporary" ->
                value == null
                    || announced.stream()
                        .anyMatch(
                            e ->
                                e instanceof SessionEffect.CreatesTemporary t
                                    && (what.equals(t.relation())
                                        || what.startsWith(t.relation() + "_")));
            case "setting" -> changesSession || value == null || NEUTRAL_SETTINGS.contains(what);
            default -> changesSession || value == null;
          };
      if (!fine) {
        problems.add(name + " is " + value + ", was " + session.get(name));
      }
    }
  }

  private Map<String, String> sessionState() throws IOException {
    PostgresWire.Answer answer = subject.query(SESSION_STATE);
    if (!answer.isSuccess()) {
      throw new IOException("session cannot be looked at: " + answer.error());
    }
    Map<String, String> state = new LinkedHashMap<>();
    answer.results().get(0).rows().forEach(row -> state.put(row.get(0), row.get(1)));
    return state;
  }

  private void reset() throws IOException {
    subject.query("ROLLBACK");
    subject.query("DISCARD ALL");
    subject.query(PRELUDE);
    if (!role.equals("postgres")) {
      subject.query("SET ROLE " + role);
    }
    session = sessionState();
  }

  @Override
  public void close() throws IOException {
    analyzer.close();
    subject.close();
  }

  /** What the gateway remembers of a client. */
  private static final class Names implements NamedStatements {
    private final Map<String, List<SqlStatement>> prepared = new HashMap<>();
    private final Map<String, List<SqlStatement>> cursors = new HashMap<>();

    @Override
    public List<SqlStatement> prepared(String name) {
      return prepared.getOrDefault(name, List.of());
    }

    @Override
    public List<SqlStatement> cursor(String name) {
      return cursors.getOrDefault(name, List.of());
    }

    void follow(SqlAnalysis analysis) {
      for (SqlStatement statement : ((SqlAnalysis.Understood) analysis).statements()) {
        for (SessionEffect effect : statement.effects()) {
          if (effect instanceof SessionEffect.Prepares p) {
            prepared.put(p.name(), List.of(p.body()));
          } else if (effect instanceof SessionEffect.DeclaresCursor c) {
            cursors.put(c.name(), List.of(c.body()));
          }
        }
      }
    }
  }

  /** The same statement with as few tokens as still show a problem. */
  String minimise(String sql, boolean inTransaction, int serverVersion) throws IOException {
    List<Token> tokens;
    try {
      tokens = new ArrayList<>(SqlScanner.scan(sql, LIMITS, serverVersion));
    } catch (UnreadableException e) {
      return sql;
    }
    int tries = 0;
    for (int size = Math.max(1, tokens.size() / 2); size >= 1; size /= 2) {
      boolean shorter = true;
      while (shorter) {
        shorter = false;
        for (int start = 0; start + size <= tokens.size() && tries < 600; start++) {
          List<Token> less = new ArrayList<>(tokens);
          less.subList(start, start + size).clear();
          if (less.isEmpty()) {
            continue;
          }
          tries++;
          if (!tryOut(CanonicalText.of(less), inTransaction).problems().isEmpty()) {
            tokens = less;
            shorter = true;
            start--;
          }
        }
      }
    }
    return CanonicalText.of(tokens);
  }
}
