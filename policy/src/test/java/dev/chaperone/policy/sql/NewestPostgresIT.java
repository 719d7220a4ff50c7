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
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the analysis rests on, on the newest PostgreSQL: the catalog queries run, the benign corpus
 * passes as far as this server accepts it, and no bypass is open.
 */
class NewestPostgresIT {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path directory;

  private static PostgresServer server;
  private static SqlAnalyzer analyzer;

  @BeforeAll
  static void start() throws IOException {
    Optional<Path> programs = PostgresArchive.unpack(directory);
    if (programs.isEmpty()) {
      String reason = "NOT RUN: the newest PostgreSQL is here for Linux on x86-64 alone";
      System.err.println(reason);
      Assumptions.abort(reason);
    }
    server = PostgresServer.start(programs.get(), Map.of());
    analyzer = new SqlAnalyzer(SqlLimits.DEFAULT);
  }

  @AfterAll
  static void stop() {
    if (analyzer != null) {
      analyzer.close();
    }
    if (server != null) {
      server.close();
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
      System.out.println("== relations on the newest server: " + result.summary());
      assertThat(result.misses).isEmpty();
    }
  }

  @Test
  void theServerTakesCanonicalTextForTheOriginal() throws Exception {
    try (PostgresWire parse = new PostgresWire(server.port(), "postgres")) {
      DifferentialIT.Result result = DifferentialIT.texts(parse, 18, 5_000);
      System.out.println("== canonical texts on the newest server: " + result.summary());
      assertThat(result.misses).isEmpty();
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
      assertThat(catalog.serverVersionNum()).isGreaterThanOrEqualTo(180_000);
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
          "== newest server: "
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
    try (InputStream in = NewestPostgresIT.class.getResourceAsStream("/corpora/" + name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
