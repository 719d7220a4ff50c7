package dev.chaperone.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.cli.CommandRun;
import dev.chaperone.cli.ExitCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TestCommandTest {
  private static final Path EXAMPLES = Path.of("..", "examples").toAbsolutePath().normalize();

  @TempDir private Path temporary;

  @Test
  void everyExampleHasTestsAndDecidesAsTheyPromise() throws IOException {
    List<String> examples;
    try (Stream<Path> folders = Files.list(EXAMPLES)) {
      examples =
          folders
              .filter(folder -> Files.exists(folder.resolve("policy.yaml")))
              .map(folder -> folder.getFileName().toString())
              .toList();
    }
    assertThat(examples).contains("quickstart");
    for (String example : examples) {
      CommandRun run = run(EXAMPLES.resolve("tests").resolve(example + ".yaml"));
      assertThat(run.exitCode()).as(run.output() + run.errors()).isEqualTo(ExitCode.OK);
      assertThat(run.output()).containsPattern("(?m)^[1-9][0-9]* as expected, 0 not$");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          decision: Deny                             | 6:36 | is Allow by support-agents/reads
          decision: RequireApproval                  | 6:36 | is Allow by support-agents/reads
          decision: Allow, rule: support-agents/x    | 6:53 | is by support-agents/reads
          decision: Allow, masked: []                | 6:53 | masked are ssn
          decision: Allow, masked: [ssn, email]      | 6:53 | masked are ssn
          """)
  void whatIsNotAsExpectedIsNamedWithItsPlace(String expected, String place, String message)
      throws IOException {
    CommandRun run =
        run(
            write(
                """
                - {sql: SELECT 1, decision: Allow}
                - {sql: SELECT ssn FROM customers, %s}
                """
                    .formatted(expected)));
    assertThat(run.exitCode()).isEqualTo(ExitCode.FAILED);
    assertThat(run.output())
        .contains("tests.yaml:" + place + ": FAILED SELECT ssn FROM customers: " + message)
        .contains("1 as expected, 1 not");
  }

  @Test
  void saysWhyAStatementIsRefused() throws IOException {
    CommandRun run =
        run(
            write(
                """
                - {sql: 'SELECT ''x', decision: Allow}
                - {sql: "SET client_encoding = 'SJIS'", decision: Allow}
                - {sql: SELECT 1 FROM customers ORDER BY ssn, decision: Allow}
                - {sql: DROP TABLE customers, decision: Deny, rule: support-agents/reads}
                - {sql: UPDATE tickets SET status = 'open', decision: Deny, rule: a/b}
                """));
    assertThat(run.output())
        .contains("is Deny: it cannot be read: ")
        .contains("is Deny: refused under any policy: ")
        .contains("is Deny: the masked column ssn may not be used")
        .contains("is by support-agents/no-schema")
        .contains("no rule decides: ")
        .contains("0 as expected, 5 not");
  }

  @Test
  void rulesThatLookAtTheTimeAreAskedForAGivenOne() throws IOException {
    Path configuration = copyOfTheExample();
    Path policy = configuration.resolve("policy.yaml");
    Files.writeString(
        policy,
        Files.readString(policy)
            .replace("operation.sql.hasWhere", "now.getHours() >= 9 && now.getHours() < 17"));
    Path tests =
        write(
            """
            - {sql: UPDATE tickets SET status = 'open', decision: Allow, at: '2026-03-02T10:00:00Z'}
            - {sql: UPDATE tickets SET status = 'open', decision: Deny, at: '2026-03-02T20:00:00Z'}
            """);
    Files.writeString(
        tests,
        Files.readString(tests)
            .replace(EXAMPLES.resolve("quickstart").toString(), configuration.toString()));
    CommandRun run = run(tests);
    assertThat(run.exitCode()).as(run.output() + run.errors()).isEqualTo(ExitCode.OK);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          - {sql: SELECT 1}                                       | missing required field "decision"
          - {sql: SELECT 1, decision: Alow}                       | did you mean "Allow"?
          - {sql: SELECT 1, decision: Allow, mask: []}            | did you mean "masked"?
          - {sql: SELECT 1, decision: Allow, at: yesterday}       | must have the form
          - {sql: SELECT 1, decision: Allow, at: '2026-13-01T00:00:00Z'} | is not a time
          - {sql: SELECT 1, decision: Allow, rule: reads}         | must have the form
          """)
  void aFileThatIsNotUnderstoodIsNotRun(String tests, String message) throws IOException {
    CommandRun run = run(write(tests));
    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.errors()).contains(message).contains("tests.yaml:");
    assertThat(run.output()).doesNotContain("as expected");
  }

  @Test
  void nothingIsRunWhereSomethingThatItNamesIsMissing() throws IOException {
    String valid = "- {sql: SELECT 1, decision: Allow}";
    for (String[] edit :
        new String[][] {
          {"connection: orders-db", "connection: x", "there is no connection x"},
          {"catalog: ", "catalog: /no/such/", "does not exist"},
          {"directory: ", "directory: /no/such", "is not a directory"},
        }) {
      Path tests = write(valid);
      Files.writeString(tests, Files.readString(tests).replace(edit[0], edit[1]));
      CommandRun run = run(tests);
      assertThat(run.exitCode()).as(edit[1]).isEqualTo(ExitCode.USAGE);
      assertThat(run.errors()).contains(edit[2]);
    }
    Path none = write("");
    Files.writeString(none, Files.readString(none).stripTrailing() + " []\n");
    assertThat(run(none).errors()).contains("tests.yaml:4:8: tests: must have at least 1 item");
    Path tests = write(valid);
    Files.writeString(tests, Files.readString(tests).replaceAll("(?m)^catalog:.*\n", ""));
    assertThat(run(tests).errors()).contains("cannot be looked up without a catalog");
    assertThat(run(temporary.resolve("no.yaml")).errors()).contains("no.yaml does not exist");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "chaperone catalog 1\n", "chaperone catalog 2\nrelation\t1\n", "\u00ff"})
  void aCatalogThatCannotBeUsedIsOneLineAndNothingIsRun(String content) throws IOException {
    Path catalog =
        Files.writeString(
            temporary.resolve("damaged.catalog"), content, StandardCharsets.ISO_8859_1);
    Path good = write("- {sql: SELECT 1, decision: Allow}");
    Path bad =
        Files.writeString(
            temporary.resolve("second.yaml"),
            Files.readString(good).replaceAll("(?m)^catalog: .*$", "catalog: " + catalog));
    CommandRun run = CommandRun.of("policy", "test", good.toString(), bad.toString());
    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.errors().lines()).singleElement().asString().contains("cannot be used");
    assertThat(run.output()).isEmpty();
  }

  @Test
  void ofSeveralFilesNoneIsRunWhereTheLastNamesWhatIsMissing() throws IOException {
    Path good = write("- {sql: DROP TABLE customers, decision: Allow}");
    Path bad =
        Files.writeString(
            temporary.resolve("second.yaml"),
            Files.readString(good).replace("connection: orders-db", "connection: x"));
    CommandRun run = CommandRun.of("policy", "test", good.toString(), bad.toString());
    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.output()).isEmpty();
  }

  private Path copyOfTheExample() throws IOException {
    Path copy = Files.createDirectory(temporary.resolve("copy"));
    try (Stream<Path> files = Files.list(EXAMPLES.resolve("quickstart"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".yaml")).toList()) {
        Files.copy(file, copy.resolve(file.getFileName().toString()));
      }
    }
    return copy;
  }

  private Path write(String tests) throws IOException {
    return Files.writeString(
        temporary.resolve("tests.yaml"),
        """
        directory: %s
        connection: orders-db
        catalog: %s
        tests:
        """
                .formatted(
                    EXAMPLES.resolve("quickstart"),
                    EXAMPLES.resolve("tests").resolve("quickstart.catalog"))
            + tests);
  }

  private static CommandRun run(Path file) {
    return CommandRun.of("policy", "test", file.toString());
  }
}
