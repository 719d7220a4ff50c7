package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.testing.Catalogs;
import dev.chaperone.policy.testing.PostgresServer;
import dev.chaperone.policy.testing.PostgresWire;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The analysis against the server's own parser, on random statements. {@code -Ddifferential.seed}
 * and {@code -Ddifferential.statements} choose others.
 */
@Tag("long")
class DifferentialIT {
  private static final long SEED = Long.getLong("differential.seed", 20_260_101);
  private static final int STATEMENTS = Integer.getInteger("differential.statements", 5_000);
  private static final SqlLimits LIMITS =
      new SqlLimits(1 << 20, 100_000, 200, 1_000, Duration.ofSeconds(10));
  private static final List<List<String>> SEARCH_PATH = List.of(List.of("s1", "public"));

  private static PostgresServer server;

  @BeforeAll
  static void start() throws IOException {
    server = PostgresServer.startOrAbort("the differential tests", Map.of());
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  @Test
  void everyRelationTheServerUsesIsAnAccess() throws Exception {
    try (Connection connection = server.connect("postgres")) {
      Result result = relations(connection, SEED, STATEMENTS);
      System.out.println("== relations: " + result.summary());
      result.extras.stream().limit(10).forEach(System.out::println);
      assertThat(result.misses).isEmpty();
      assertThat(result.accepted).isGreaterThanOrEqualTo(STATEMENTS);
      assertThat(result.relations).isGreaterThan(STATEMENTS);
      assertThat(result.extras).hasSizeLessThan(STATEMENTS / 100);
    }
  }

  @Test
  void theServerTakesCanonicalTextForTheOriginal() throws Exception {
    try (PostgresWire parse = new PostgresWire(server.port(), "postgres")) {
      Result result = texts(parse, SEED, STATEMENTS * 4);
      System.out.println("== canonical texts: " + result.summary());
      assertThat(result.misses).isEmpty();
    }
  }

  /** What came of a run. */
  static final class Result {
    final List<String> misses = new ArrayList<>();
    final List<String> extras = new ArrayList<>();
    int tried;
    int accepted;
    int unknown;
    int relations;

    String summary() {
      return "%d tried, %d accepted by the server with %d relations, %d unknown to us, %d with a relation that the server does not use, %d missed"
          .formatted(tried, accepted, relations, unknown, extras.size(), misses.size());
    }
  }

  private static void schema(Statement statement) throws SQLException {
    for (String schema : StatementGenerator.SCHEMAS) {
      if (!schema.equals("public")) {
        statement.execute("CREATE SCHEMA " + schema);
      }
      for (String table : StatementGenerator.TABLES) {
        // Each schema has its own share, so that names resolve to different places.
        if (schema.equals("public") || !table.equals("t3")) {
          statement.execute(
              "CREATE TABLE %s.\"%s\" (a int UNIQUE, b int, c text)".formatted(schema, table));
        }
      }
    }
    statement.execute("DROP TABLE s1.t2, s2.t2");
    statement.execute("CREATE VIEW s1.t2 AS SELECT * FROM public.t1");
    statement.execute("CREATE TABLE s2.t2 () INHERITS (public.t2)");
    statement.execute("CREATE TABLE s2.t3 (a int UNIQUE, b int, c text) PARTITION BY RANGE (a)");
    statement.execute("SET search_path TO s1, public");
    // Always rolled back; what it found it takes along in the exception.
    statement.execute(
        """
        CREATE FUNCTION pg_temp.probe(body text) RETURNS text LANGUAGE plpgsql AS $probe$
        DECLARE
          names text;
        BEGIN
          EXECUTE 'CREATE FUNCTION pg_temp.probed() RETURNS void BEGIN ATOMIC ' || body || '; END';
          SELECT coalesce(string_agg(DISTINCT n.nspname || '.' || c.relname, ' '), '') INTO names
            FROM pg_depend d
            JOIN pg_class c ON c.oid = d.refobjid
            JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass
             AND d.objid = to_regproc('pg_temp.probed');
          RAISE EXCEPTION USING ERRCODE = 'CH000', MESSAGE = names;
        EXCEPTION
          WHEN SQLSTATE 'CH000' THEN RETURN names;
          WHEN OTHERS THEN RETURN NULL;
        END $probe$
        """);
  }

  /**
   * The truth is what the server says that a function with the statement as its body depends on: it
   * names every relation of the statement, before anything is planned away.
   */
  static Result relations(Connection connection, long seed, int wanted) throws SQLException {
    StatementGenerator generator = new StatementGenerator(seed);
    Result result = new Result();
    try (Statement statement = connection.createStatement()) {
      schema(statement);
      Catalog catalog = Catalogs.load(connection);
      try (PreparedStatement probe = connection.prepareStatement("SELECT pg_temp.probe(?)")) {
        while (result.accepted < wanted && result.tried < wanted * 20) {
          String sql = generator.next();
          result.tried++;
          Set<String> truth = dependencies(probe, sql);
          if (truth == null) {
            continue;
          }
          result.accepted++;
          result.relations += truth.size();
          Set<String> written = resolve(statement, generator.targets());
          compare(sql, truth, written, accesses(sql, catalog), result);
        }
      }
    }
    return result;
  }

  /** Without the grammar: it adds no relation, and some of these it cannot read. */
  private static Set<Access> accesses(String sql, Catalog catalog) {
    try {
      List<Token> tokens = SqlScanner.scan(sql, LIMITS, catalog.serverVersionNum());
      Scope scope =
          new Scope(
              new SqlSession(catalog, "postgres", SEARCH_PATH, Set.of()), NamedStatements.NONE);
      return StatementReader.read(tokens, scope, Grammar.NONE).reading().accesses();
    } catch (UnreadableException e) {
      return Set.of();
    }
  }

  private static void compare(
      String sql, Set<String> truth, Set<String> written, Set<Access> accesses, Result result) {
    Set<String> named = new TreeSet<>();
    Set<String> writes = new TreeSet<>();
    boolean unknown = false;
    for (Access access : accesses) {
      unknown |= access.effect() == Effect.UNKNOWN;
      if (access.effect() == Effect.READ || access.effect() == Effect.WRITE) {
        named.add(access.resource());
      }
      if (access.effect() == Effect.WRITE) {
        writes.add(access.resource());
      }
    }
    if (unknown) {
      result.unknown++;
    }
    if (!named.containsAll(truth) || !writes.containsAll(written)) {
      result.misses.add(
          sql + " -- the server: " + truth + ", writes " + written + "; we: " + accesses);
    }
    Set<String> extra = new TreeSet<>(named);
    extra.removeAll(truth);
    // s2.t2 carries its parent along.
    if (truth.contains("s2.t2")) {
      extra.remove("public.t2");
    }
    if (!extra.isEmpty()) {
      result.extras.add(sql + " -- not used: " + extra);
    }
  }

  /** The relations of a statement as the server sees them, or null where it rejects it. */
  private static Set<String> dependencies(PreparedStatement probe, String sql) throws SQLException {
    probe.setString(1, sql);
    try (ResultSet result = probe.executeQuery()) {
      result.next();
      String names = result.getString(1);
      return names == null
          ? null
          : names.isEmpty() ? Set.of() : new TreeSet<>(Arrays.asList(names.split(" ", -1)));
    }
  }

  private static Set<String> resolve(Statement statement, Set<String> names) throws SQLException {
    Set<String> resolved = new LinkedHashSet<>();
    for (String name : names) {
      try (ResultSet result =
          statement.executeQuery(
              "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n"
                  + " ON n.oid = c.relnamespace WHERE c.oid = '"
                  + name
                  + "'::regclass")) {
        result.next();
        resolved.add(result.getString(1));
      }
    }
    return resolved;
  }

  /** Random tokens, with and without what canonical text leaves out. */
  static Result texts(PostgresWire parse, long seed, int count) throws IOException {
    Random random = new Random(seed);
    Result result = new Result();
    for (int i = 0; i < count; i++) {
      String sql = TokenSoup.next(random);
      result.tried++;
      String original = parse.parse(sql);
      if (original.equals("00000")) {
        result.accepted++;
      }
      String canonical;
      try {
        List<Token> tokens = SqlScanner.scan(sql, LIMITS, parse.serverVersion());
        List<List<Token>> statements = StatementSplitter.split(tokens, LIMITS);
        if (statements.size() != 1) {
          continue;
        }
        canonical = CanonicalText.of(statements.get(0));
      } catch (UnreadableException e) {
        if (original.equals("00000")) {
          result.misses.add("accepted by the server, unreadable to us: " + sql);
        }
        continue;
      }
      String again = parse.parse(canonical);
      if (!again.equals(original)) {
        result.misses.add(original + " " + sql + " -- canonical: " + again + " " + canonical);
      }
    }
    return result;
  }
}
