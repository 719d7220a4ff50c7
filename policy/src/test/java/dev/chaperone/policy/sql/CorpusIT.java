package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.policy.Access;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.testing.Catalogs;
import dev.chaperone.policy.testing.PostgresServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The corpora of attacks and of benign statements under the policy {@code {effects: [Read], action:
 * Allow}}, with the catalog of a real server.
 */
class CorpusIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final SqlLimits LIMITS =
      new SqlLimits(1 << 20, 100_000, 200, 1_000, Duration.ofSeconds(10));

  private static PostgresServer server;
  private static SqlAnalyzer analyzer;
  private static Catalog baseCatalog;

  @BeforeAll
  static void start() throws IOException, SQLException {
    server =
        PostgresServer.startOrAbort(
            "the corpora", Map.of("shared_preload_libraries", "pg_stat_statements"));
    analyzer = new SqlAnalyzer(LIMITS);
    try (Connection connection = server.connect("postgres");
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE base");
      statement.execute("CREATE ROLE app");
      statement.execute("CREATE ROLE approver");
    }
    try (Connection connection = server.connect("base");
        Statement statement = connection.createStatement()) {
      for (String sql : statements(resource("base.sql").replace("${PGPORT}", port()))) {
        try {
          statement.execute(sql);
        } catch (SQLException e) {
          // adminpack left PostgreSQL in version 17.
          if (!sql.contains("EXTENSION")) {
            throw e;
          }
          System.err.println("base.sql: " + e.getMessage());
        }
      }
      // What pgbench -i makes; some statements were captured from pgbench.
      statement.execute("CREATE TABLE pgbench_accounts(aid int PRIMARY KEY, abalance int)");
      statement.execute("CREATE TABLE pgbench_branches(bid int PRIMARY KEY, bbalance int)");
      baseCatalog = Catalogs.load(connection);
    }
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
  void noAttackThatChangesAnythingPassesForARead() throws Exception {
    List<String> passed = new ArrayList<>();
    List<String> changing = new ArrayList<>();
    List<JsonNode> corpus = corpus("block-corpus.jsonl");
    for (JsonNode entry : corpus) {
      if (entry.path("neutral").asBoolean()) {
        continue;
      }
      List<String> reasons = reasons(entry);
      if (reasons.isEmpty()) {
        passed.add(describe(entry, List.of(entry.path("effect").asText())));
        if (entry.path("mutates").asBoolean()) {
          changing.add(entry.path("id").asText());
        }
      }
    }
    System.out.println("== attacks that pass: " + passed.size() + " of " + corpus.size());
    passed.forEach(System.out::println);
    assertThat(changing).as("attacks that change something and pass").isEmpty();
    // docs/policy-reference.md says why these are harmless.
    assertThat(passed.stream().map(line -> line.substring(0, line.indexOf(' '))))
        .containsExactlyInAnyOrder("pg-func-123", "pg-func-116", "pg-obf-347");
  }

  @Test
  void benignStatementsPass() throws Exception {
    List<String> blocked = new ArrayList<>();
    List<JsonNode> corpus = corpus("benign-corpus.jsonl");
    for (JsonNode entry : corpus) {
      List<String> reasons = reasons(entry);
      if (!reasons.isEmpty()) {
        blocked.add(describe(entry, reasons));
      }
    }
    System.out.println("== benign statements blocked: " + blocked.size() + " of " + corpus.size());
    blocked.forEach(System.out::println);
    // docs/policy-reference.md says why these are not read as Read.
    assertThat(blocked.stream().map(line -> line.substring(0, line.indexOf(' '))))
        .containsExactlyInAnyOrder("pg-benign-flyway-259", "pg-benign-hand-055");
  }

  /** Why the entry is not passed; empty if it is. */
  private static List<String> reasons(JsonNode entry) throws SQLException {
    Catalog catalog = baseCatalog;
    List<String> setup = new ArrayList<>();
    entry.path("setup").forEach(sql -> setup.add(sql.asText()));
    Client client = new Client();
    if (!setup.isEmpty()) {
      catalog = catalogAfter(setup);
      for (String sql : setup) {
        // The setup ran before the client came; only what it left in the session matters.
        client.follow(client.analyze(sql, catalog));
      }
    }
    if (entry.has("sql")) {
      return client.query(entry.get("sql").asText(), catalog);
    }
    for (JsonNode message : entry.get("messages")) {
      List<String> reasons = client.message(message, catalog);
      if (!reasons.isEmpty()) {
        return reasons;
      }
    }
    return List.of();
  }

  private static Catalog catalogAfter(List<String> setup) throws SQLException {
    try (Connection connection = server.connect("base");
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      for (String sql : setup) {
        if (!sql.startsWith("BEGIN")) {
          statement.execute(sql);
        }
      }
      Catalog catalog = Catalogs.load(connection);
      connection.rollback();
      return catalog;
    }
  }

  /** What the gateway remembers of a client, as far as the corpora need it. */
  private static final class Client implements NamedStatements {
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

    SqlAnalysis analyze(String sql, Catalog catalog) {
      String text = sql.replace("${PGPORT}", port()).replace("${OUTDIR}", "/tmp");
      return analyzer.analyze(
          text, new SqlSession(catalog, "postgres", List.of(List.of("public")), Set.of()), this);
    }

    List<String> query(String sql, Catalog catalog) {
      SqlAnalysis analysis = analyze(sql, catalog);
      follow(analysis);
      return denials(analysis);
    }

    void follow(SqlAnalysis analysis) {
      if (analysis instanceof SqlAnalysis.Understood understood) {
        for (SqlStatement statement : understood.statements()) {
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

    List<String> message(JsonNode message, Catalog catalog) {
      return switch (message.path("t").asText()) {
        case "Q" -> query(message.get("sql").asText(), catalog);
        case "P" -> {
          SqlAnalysis analysis = analyze(message.get("sql").asText(), catalog);
          if (analysis instanceof SqlAnalysis.Understood u) {
            prepared.put(message.path("name").asText(), u.statements());
          }
          yield denials(analysis);
        }
        case "F" -> List.of("the wire guard refuses FunctionCall");
        case "B" -> {
          List<String> reasons = new ArrayList<>();
          for (SqlStatement statement : prepared(message.path("name").asText())) {
            statement.part().accesses().stream()
                .filter(access -> access.effect() != Effect.READ)
                .map(Access::toString)
                .forEach(reasons::add);
          }
          yield reasons;
        }
        default -> List.of();
      };
    }
  }

  private static List<String> denials(SqlAnalysis analysis) {
    if (analysis instanceof SqlAnalysis.Unreadable unreadable) {
      return List.of(unreadable.message());
    }
    SqlAnalysis.Understood understood = (SqlAnalysis.Understood) analysis;
    List<String> reasons = new ArrayList<>();
    understood.refusal().ifPresent(reasons::add);
    understood.operation().parts().stream()
        .flatMap(part -> part.accesses().stream())
        .filter(access -> access.effect() != Effect.READ)
        .map(Access::toString)
        .forEach(reasons::add);
    return reasons;
  }

  private static String describe(JsonNode entry, List<String> notes) {
    String text = entry.has("sql") ? entry.get("sql").asText() : entry.get("messages").toString();
    text = text.replaceAll("\\s+", " ");
    return entry.get("id").asText()
        + " "
        + notes
        + " | "
        + text.substring(0, Math.min(200, text.length()));
  }

  private static String port() {
    return Integer.toString(server.port());
  }

  static List<String> statements(String script) {
    try {
      List<Token> tokens = SqlScanner.scan(script, LIMITS, 150000);
      List<String> statements = new ArrayList<>();
      for (List<Token> statement : StatementSplitter.split(tokens, LIMITS)) {
        statements.add(CanonicalText.of(statement));
      }
      return statements;
    } catch (UnreadableException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = CorpusIT.class.getResourceAsStream("/corpora/" + name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static List<JsonNode> corpus(String name) throws IOException {
    List<JsonNode> entries = new ArrayList<>();
    try (InputStream in = CorpusIT.class.getResourceAsStream("/corpora/" + name);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        entries.add(JSON.readTree(line));
      }
    }
    return entries;
  }
}
