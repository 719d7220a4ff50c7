package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.policy.Access;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.testing.Catalogs;
import dev.chaperone.policy.testing.PostgresArchive;
import dev.chaperone.policy.testing.PostgresServer;
import dev.chaperone.policy.testing.PostgresWire;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the analysis rests on, on the newest PostgreSQL and on each one whose programs are in {@code
 * target/postgresql}, where the profile {@code every-postgresql} puts them: the catalog queries
 * run, the benign corpus passes as far as the server accepts it, no bypass is open, and what reads
 * changes nothing.
 */
@Tag("long")
@ParameterizedClass
@MethodSource("versions")
class EveryPostgresIT {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Statements of the property test that run on each version. */
  private static final long SEED = 20_261_122;

  private static final int PROPERTY_STATEMENTS = 300;

  @TempDir static Path directory;

  private static PostgresServer server;
  private static SqlAnalyzer analyzer;

  /**
   * A version of PostgreSQL.
   *
   * @param jar the artifact with its programs; empty for the newest, which is on the class path
   */
  record Version(String name, Optional<Path> jar) {
    @Override
    public String toString() {
      return name;
    }
  }

  @SuppressWarnings("UnusedVariable")
  @Parameter
  Version version;

  static List<Version> versions() throws IOException {
    List<Version> versions = new ArrayList<>();
    versions.add(new Version("newest", Optional.empty()));
    Path archives = Path.of("target", "postgresql");
    if (Files.isDirectory(archives)) {
      try (Stream<Path> jars = Files.list(archives)) {
        jars.sorted()
            .forEach(
                jar -> versions.add(new Version(jar.getFileName().toString(), Optional.of(jar))));
      }
    }
    return versions;
  }

  @BeforeParameterizedClassInvocation
  static void start(Version version) throws IOException {
    Path programs = directory.resolve(version.name());
    Optional<Path> unpacked =
        version.jar().isPresent()
            ? PostgresArchive.unpack(version.jar().get(), programs)
            : PostgresArchive.unpack(programs);
    if (unpacked.isEmpty()) {
      String reason = "NOT RUN: this PostgreSQL is here for Linux on x86-64 alone";
      System.err.println(reason);
      Assumptions.abort(reason);
    }
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    server = PostgresServer.start(unpacked.get(), ReadsChangeNothingIT.settings());
    analyzer = new SqlAnalyzer(SqlLimits.DEFAULT);
  }

  @AfterParameterizedClassInvocation
  static void stop() {
    if (analyzer != null) {
      analyzer.close();
      analyzer = null;
    }
    if (server != null) {
      server.close();
      server = null;
    }
  }

  private static Connection database(String name) throws SQLException {
    try (Connection connection = server.connect("postgres");
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    }
    return server.connect(name);
  }

  @Test
  void noBypassIsOpen() throws Exception {
    try (Connection connection = database("bypasses")) {
      assertThat(BypassIT.check(connection, analyzer)).isEmpty();
    }
  }

  @Test
  void everyRelationTheServerUsesIsAnAccess() throws Exception {
    try (Connection connection = database("relations")) {
      DifferentialIT.Result result = DifferentialIT.relations(connection, 18, 500);
      System.out.println("== relations on " + version + ": " + result.summary());
      assertThat(result.misses).isEmpty();
    }
  }

  @Test
  void theServerTakesCanonicalTextForTheOriginal() throws Exception {
    try (PostgresWire parse = new PostgresWire(server.port(), "postgres")) {
      DifferentialIT.Result result = DifferentialIT.texts(parse, 18, 5_000);
      System.out.println("== canonical texts on " + version + ": " + result.summary());
      assertThat(result.misses).isEmpty();
    }
  }

  @Test
  void literalsAreThoseTheServerSees() throws Exception {
    try (PostgresWire wire = new PostgresWire(server.port(), "postgres")) {
      LexerDifferentialIT.Result result = LexerDifferentialIT.texts(wire, SEED, 3_000);
      System.out.println("== lexer on " + version + ": " + result.summary());
      assertThat(result.misses).as("seed " + result.seed).isEmpty();
      assertThat(result.accepted).isPositive();
    }
  }

  @Test
  void whatIsJudgedToReadChangesNothing() throws Exception {
    ReadsChangeNothingIT.Result result =
        ReadsChangeNothingIT.run(server, SEED, PROPERTY_STATEMENTS, Duration.ofMinutes(5));
    System.out.println("== reads change nothing on " + version + ": " + result.summary());
    assertThat(result.findings.values()).as("seed " + result.seed).isEmpty();
    assertThat(result.changedContent).as("seed " + result.seed).isEmpty();
  }

  /** Functions that give a value without a type that of an array's elements, as the server has. */
  @Test
  void functionsThatTakeTheTypeOfAContainerAreKnown() throws Exception {
    try (PostgresWire wire = new PostgresWire(server.port(), "postgres")) {
      List<String> unknown = new ArrayList<>();
      wire.query(
              """
              SELECT DISTINCT proname FROM (
                SELECT p.proname, p.prorettype,
                       count(*) FILTER (WHERE t.typname ~ '^any.') AS polymorphic,
                       bool_or(t.typname IN ('anyelement', 'anynonarray', 'anyenum',
                                             'anycompatible', 'anycompatiblenonarray')) AS elements
                  FROM pg_proc p CROSS JOIN unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a
                 WHERE p.oid < 16384 AND NOT 'internal'::regtype = ANY (p.proargtypes)
                 GROUP BY p.oid) x
                JOIN pg_type r ON r.oid = x.prorettype
               WHERE polymorphic >= 2
                  OR elements AND r.typname ~ '^any(compatible)?(array|range|multirange)$'
              """)
          .results()
          .get(0)
          .rows()
          .forEach(
              row -> {
                if (!FunctionRules.takesTypeOfContainer(row.get(0))) {
                  unknown.add(row.get(0));
                }
              });
      assertThat(unknown).isEmpty();
    }
  }

  @Test
  void benignStatementsPass() throws Exception {
    try (Connection connection = database("base");
        Statement statement = connection.createStatement()) {
      int skipped = 0;
      for (String sql :
          CorpusIT.statements(
              resource("base.sql").replace("${PGPORT}", Integer.toString(server.port())))) {
        try {
          statement.execute(sql);
        } catch (SQLException e) {
          // This server comes without most of the contributed extensions.
          skipped++;
        }
      }
      Catalog catalog = Catalogs.load(connection);
      int accepted = 0;
      List<String> blocked = new ArrayList<>();
      connection.setAutoCommit(false);
      for (String line : resource("benign-corpus.jsonl").lines().toList()) {
        JsonNode entry = JSON.readTree(line);
        if (!entry.has("sql") || !entry.path("setup").isEmpty()) {
          continue;
        }
        String sql = entry.get("sql").asText();
        if (!accepts(connection, statement, sql)) {
          continue;
        }
        accepted++;
        List<Access> accesses = accesses(catalog, sql);
        if (accesses.stream().anyMatch(access -> access.effect() != Effect.READ)) {
          blocked.add(entry.get("id").asText() + " " + accesses);
        }
      }
      System.out.println(
          "== "
              + version
              + ": "
              + skipped
              + " statements of base.sql skipped; benign statements accepted "
              + accepted
              + ", blocked "
              + blocked.size());
      blocked.forEach(System.out::println);
      assertThat(accepted).isGreaterThan(200);
      assertThat(blocked).hasSizeLessThanOrEqualTo(accepted * 2 / 100);
    }
  }

  private static List<Access> accesses(Catalog catalog, String sql) {
    SqlAnalysis analysis =
        analyzer.analyze(
            sql,
            new SqlSession(catalog, "postgres", List.of(List.of("public")), Set.of()),
            NamedStatements.NONE);
    return ((SqlAnalysis.Understood) analysis)
        .operation().parts().stream().flatMap(part -> part.accesses().stream()).toList();
  }

  private static boolean accepts(Connection connection, Statement statement, String sql)
      throws SQLException {
    if (sql.matches("(?is)\\s*(COPY|BEGIN|START|COMMIT|END|ROLLBACK|ABORT)\\b.*")) {
      return true;
    }
    try {
      statement.execute(sql);
      return true;
    } catch (SQLException e) {
      return false;
    } finally {
      connection.rollback();
    }
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = EveryPostgresIT.class.getResourceAsStream("/corpora/" + name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
