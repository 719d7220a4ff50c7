package dev.chaperone.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.cli.CommandRun;
import dev.chaperone.cli.ExitCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PolicyCommandTest {
  private static final Path EXAMPLE = Path.of("..", "examples", "quickstart");

  @TempDir private Path temporary;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          SELECT status, count(*) FROM orders GROUP BY status                         | 0
          SELECT c.name FROM customers c JOIN tickets t ON t.customer_id = c.id       | 0
          UPDATE tickets SET status = 'solved' WHERE id = 1                           | 0
          INSERT INTO tickets (customer_id, subject) VALUES (3, 'Where is it?')       | 0
          BEGIN                                                                       | 0
          UPDATE tickets SET status = 'solved'                                        | 3
          UPDATE customers SET name = 'x' WHERE id = 1                                | 4
          DELETE FROM orders WHERE id = 1                                             | 4
          DELETE FROM cards WHERE id = 1                                              | 3
          DROP TABLE customers                                                        | 3
          SELECT 1; DROP TABLE customers                                              | 3
          WITH gone AS (DELETE FROM cards RETURNING *) SELECT * FROM gone             | 3
          SELECT pg_read_file('/etc/passwd')                                          | 3
          SELECT 'unterminated                                                        | 3
          SET client_encoding = 'SJIS'                                                | 3
          """)
  void exitCodesSayWhatTheExamplePolicyDecides(String sql, int exitCode) {
    CommandRun run = explain(sql);
    assertThat(run.exitCode()).as(run.output() + run.errors()).isEqualTo(exitCode);
    assertThat(run.output())
        .contains(Map.of(0, "\nAllow", 3, "\nDeny\n", 4, "\nRequireApproval").get(exitCode));
  }

  @Test
  void saysHowTheStatementIsReadAndWhichRuleDecides() {
    assertThat(explain("update TICKETS set status='solved' /* all */ where id=1").output())
        .contains("Access: Write UPDATE public.tickets -> Allow, by support-agents/small-writes")
        .contains("no match  reads: effect Write is not one of [Read]")
        .contains("DECIDES   small-writes")
        .contains("tables: public.tickets")
        .doesNotContain("/* all */");
  }

  @Test
  void saysWhyNoRuleMatches() {
    assertThat(explain("UPDATE tickets SET status = 'solved'").output())
        .contains("no match  small-writes: when is false")
        .contains("no rule matches");
  }

  @Test
  void explainsWhatIsKnownOfColumns() {
    assertThat(explain("SELECT id, name FROM customers").output()).contains("columns: id, name");
    assertThat(explain("COPY customers TO STDOUT").output()).contains("columns: not known");
  }

  @Test
  void showsThePolicysOwnMessage() {
    assertThat(explain("DROP TABLE customers").output())
        .contains("Schema changes go through migrations.");
  }

  @Test
  void writesNothingToTheTerminalThatMovesTheCursor() {
    assertThat(explain("SELECT '\u001b[2J\u202e' FROM \"a\u009bb\"").output())
        .doesNotContain("\u001b", "\u202e", "\u009b");
  }

  @Test
  void unknownConnectionsAndDirectoriesAreOneLine() {
    CommandRun run =
        CommandRun.of(
            "policy",
            "explain",
            "--directory",
            EXAMPLE.toString(),
            "--connection",
            "x",
            "SELECT 1");
    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.errors().strip())
        .isEqualTo("chaperone: there is no connection x; there is orders-db");
    run = CommandRun.of("policy", "check", "--directory", temporary.resolve("no").toString());
    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.errors()).contains("is not a directory");
  }

  @Test
  void aCatalogThatCannotBeUsedIsOneLine() throws IOException {
    Path damaged = Files.writeString(temporary.resolve("damaged"), "chaperone catalog 1\n");
    for (Path catalog : List.of(damaged, temporary.resolve("no"), temporary)) {
      CommandRun run =
          CommandRun.of(
              "policy",
              "explain",
              "--directory",
              EXAMPLE.toString(),
              "--connection",
              "orders-db",
              "--catalog",
              catalog.toString(),
              "SELECT 1");
      assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
      assertThat(run.errors().lines())
          .singleElement()
          .asString()
          .contains("the catalog " + catalog);
      assertThat(run.output()).isEmpty();
    }
  }

  @Test
  void theExampleHasNoProblems() {
    CommandRun run = CommandRun.of("policy", "check", "--directory", EXAMPLE.toString());
    assertThat(run.errors()).isEmpty();
    assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
  }

  @Test
  void problemsHaveTheirPlaceInTheFile() throws IOException {
    try (Stream<Path> files = Files.list(EXAMPLE)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".yaml")).toList()) {
        Files.copy(file, temporary.resolve(file.getFileName().toString()));
      }
    }
    Path policy = temporary.resolve("policy.yaml");
    Files.writeString(
        policy,
        Files.readString(policy)
            .replace("effects: [Read]", "efects: [Read]")
            .replace("operation.sql.hasWhere", "operation.sql.hasWere"));
    CommandRun run = CommandRun.of("policy", "check", "--directory", temporary.toString());
    assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
    assertThat(run.errors()).containsPattern("(?m)^policy\\.yaml:\\d+:\\d+: .*efects.*effects");
  }

  private static CommandRun explain(String sql) {
    return CommandRun.of(
        "policy", "explain", "--directory", EXAMPLE.toString(), "--connection", "orders-db", sql);
  }
}
