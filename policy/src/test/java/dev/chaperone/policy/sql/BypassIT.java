package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.policy.testing.Catalogs;
import dev.chaperone.policy.testing.PostgresServer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Statements that once were analysed as less than they are, in {@code bypasses.jsonl}: a statement
 * that lands there stays there. Each is run on a real server too, so that the file does not fill
 * with statements that no server accepts.
 *
 * <p>{@code does} are accesses that the analysis must name, {@code refused} says that no policy may
 * allow it, {@code error} the SQLSTATEs that are fine, {@code before} and {@code since} the server
 * versions it is for, {@code commits} that it cannot be rolled back.
 */
class BypassIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final SqlLimits LIMITS =
      new SqlLimits(1 << 20, 100_000, 200, 1_000, Duration.ofSeconds(10));

  private static PostgresServer server;
  private static SqlAnalyzer analyzer;

  @BeforeAll
  static void start() throws IOException {
    server = PostgresServer.startOrAbort("the bypasses", Map.of());
    analyzer = new SqlAnalyzer(LIMITS);
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

  @Test
  void noStatementIsLessThanItIs() throws Exception {
    try (Connection connection = server.connect("postgres")) {
      List<String> problems = check(connection, analyzer);
      assertThat(problems).isEmpty();
    }
  }

  /** What is wrong with the analysis of each statement, in a database that is empty so far. */
  static List<String> check(Connection connection, SqlAnalyzer analyzer)
      throws IOException, SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(resource("/corpora/bypasses.sql"));
    }
    Catalog catalog = Catalogs.load(connection);
    List<String> problems = new ArrayList<>();
    connection.setAutoCommit(false);
    for (String line : resource("/corpora/bypasses.jsonl").lines().toList()) {
      JsonNode bypass = JSON.readTree(line);
      String id = bypass.get("id").asText();
      if (catalog.serverVersionNum() >= bypass.path("before").asInt(Integer.MAX_VALUE)
          || catalog.serverVersionNum() < bypass.path("since").asInt(0)) {
        continue;
      }
      String sql = bypass.get("sql").asText();
      if (!bypass.path("commits").asBoolean()) {
        String state = run(connection, sql);
        if (!List.of(bypass.path("error").asText("00000").split("\\|")).contains(state)) {
          problems.add(id + ": the server says " + state);
        }
      }
      problems.addAll(differences(id, bypass, analyze(analyzer, catalog, sql)));
    }
    return problems;
  }

  private static SqlAnalysis analyze(SqlAnalyzer analyzer, Catalog catalog, String sql) {
    return analyzer.analyze(
        sql,
        new SqlSession(catalog, "postgres", List.of(List.of("public")), Set.of()),
        NamedStatements.NONE);
  }

  private static List<String> differences(String id, JsonNode bypass, SqlAnalysis analysis) {
    if (!(analysis instanceof SqlAnalysis.Understood understood)) {
      return List.of(id + ": not understood: " + analysis);
    }
    List<String> accesses =
        understood.operation().parts().stream()
            .flatMap(part -> part.accesses().stream())
            .map(Object::toString)
            .distinct()
            .toList();
    List<String> problems = new ArrayList<>();
    for (JsonNode does : bypass.path("does")) {
      if (!accesses.contains(does.asText())) {
        problems.add(id + ": no " + does.asText() + " but " + accesses);
      }
    }
    if (bypass.path("refused").asBoolean() && understood.refusal().isEmpty()) {
      problems.add(id + ": not refused");
    }
    return problems;
  }

  private static String run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
      return "00000";
    } catch (SQLException e) {
      return e.getSQLState();
    } finally {
      connection.rollback();
      // What is prepared outlives the transaction.
      statement(connection, "DEALLOCATE ALL");
    }
  }

  private static void statement(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = BypassIT.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
