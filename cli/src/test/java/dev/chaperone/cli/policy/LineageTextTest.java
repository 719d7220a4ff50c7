package dev.chaperone.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.cli.CommandRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code policy explain} says of where the columns of a result come from. */
class LineageTextTest {
  private static final Path QUICKSTART = Path.of("..", "examples", "quickstart");

  @TempDir private Path temporary;

  private Path catalog;

  /** The example's catalog, with two views: one of its customers, and one of that one. */
  @BeforeEach
  void addViews() throws IOException {
    String example = Files.readString(Path.of("..", "examples", "tests", "quickstart.catalog"));
    catalog = temporary.resolve("catalog");
    Files.writeString(
        catalog,
        example
            + String.join(
                "\n",
                List.of(
                    "relation\t90001\tpublic\tcontacts\tv",
                    "column\t90001\t1\tcontact\t25",
                    "column\t90001\t2\tnote\t25",
                    "view\t90001\tSELECT c.email AS contact, (c.name || lower(c.ssn)) AS note"
                        + " FROM public.customers c",
                    "relation\t90002\tpublic\touter_contacts\tv",
                    "column\t90002\t1\twho\t25",
                    "view\t90002\tSELECT x.contact AS who FROM public.contacts x",
                    "")));
  }

  private CommandRun explain(String sql) {
    return explain(QUICKSTART, sql);
  }

  private CommandRun explain(Path directory, String sql) {
    return CommandRun.of(
        "policy",
        "explain",
        "--directory",
        directory.toString(),
        "--connection",
        "orders-db",
        "--catalog",
        catalog.toString(),
        sql);
  }

  /** What stands under the heading. */
  private String lineage(String sql) {
    CommandRun run = explain(sql);
    int heading = run.output().indexOf("\nResult columns\n");
    assertThat(heading).as(run.output() + run.errors()).isNotNegative();
    return run.output().substring(heading + 1);
  }

  @Test
  void aColumnIsFollowedThroughQueriesAndViewsToItsTable() {
    assertThat(
            lineage(
                "WITH w AS (SELECT who FROM outer_contacts) SELECT s.x AS y, 1 AS one"
                    + " FROM (SELECT who AS x FROM w) s"))
        .isEqualTo(
            """
            Result columns
              y: replaced, Partial
                └─ subquery s, column x
                   └─ WITH w, column who
                      └─ public.outer_contacts.who: Partial by support-agents masking[0]
                         └─ public.contacts.contact: Partial by support-agents masking[0]
                            └─ public.customers.email: Partial by support-agents masking[0]
              one: as it is
                └─ no column
            """);
  }

  @Test
  void anExpressionInAViewShowsAllThatItIsMadeOf() {
    assertThat(lineage("SELECT note FROM contacts"))
        .isEqualTo(
            """
            Result columns
              note: replaced, Partial
                └─ public.contacts.note: Partial by support-agents masking[0]
                   └─ expression of
                      ├─ public.customers.name
                      └─ public.customers.ssn: Partial by support-agents masking[0]
            """);
  }

  /** The example, with masks that allow expressions and comparisons. */
  private Path lenient() throws IOException {
    Path directory = Files.createDirectory(temporary.resolve("lenient"));
    try (Stream<Path> files = Files.list(QUICKSTART)) {
      for (Path file : files.filter(each -> each.toString().endsWith(".yaml")).toList()) {
        String text = Files.readString(file);
        Files.writeString(
            directory.resolve(file.getFileName()),
            text.replace(
                "with: Partial", "usage: Taint\n      predicates: Allow\n      with: Partial"));
      }
    }
    return directory;
  }

  @Test
  void anExpressionThatIsReplacedAsAWholeSaysSo() throws IOException {
    assertThat(explain(lenient(), "SELECT id, lower(ssn) FROM customers").output())
        .contains(
            """
              lower: replaced as a whole, Redact or Null
                └─ expression of
                   └─ public.customers.ssn: Partial by support-agents masking[0]
            """)
        .doesNotContain("Compared columns");
  }

  @Test
  void aColumnThatIsComparedIsNamedWithTheEntryThatAllowsIt() throws IOException {
    String sql =
        "SELECT s.id FROM (SELECT id, email, ssn FROM customers) s WHERE s.ssn = 'x' OR s.ssn ="
            + " 'y' ORDER BY s.email";
    CommandRun run = explain(lenient(), sql);
    assertThat(run.output())
        .endsWith(
            """

            Compared columns (whoever asks often enough learns their values)
              public.customers.ssn: Partial by support-agents masking[0], predicates: Allow
              public.customers.email: Partial by support-agents masking[0], predicates: Allow
            """);
    assertThat(explain(sql).output())
        .contains("refused: the masked column")
        .doesNotContain("Compared columns");
  }

  @Test
  void aRefusedStatementSaysWhichColumnIsInTheWay() {
    CommandRun run = explain("SELECT id, upper(ssn) AS u FROM customers");
    assertThat(run.exitCode()).isEqualTo(3);
    assertThat(run.output())
        .contains("refused: the masked column ssn may not")
        .contains(
            """
              u: protected, Partial; the statement is refused
                └─ expression of
                   └─ public.customers.ssn: Partial by support-agents masking[0]
            """);
  }

  @Test
  void whatIsReturnedByAWriteIsFollowedToo() {
    assertThat(lineage("INSERT INTO tickets (customer_id, subject) VALUES (3, 'x') RETURNING id"))
        .contains("id: as it is\n    └─ public.tickets.id");
  }

  @Test
  void aShortTextThatStandsForALargeTreeIsCutOff() {
    StringBuilder sql =
        new StringBuilder("WITH w0 AS (SELECT name AS a, name AS b FROM customers)");
    for (int i = 1; i <= 60; i++) {
      sql.append(", w%d AS (SELECT a || b AS a, b || a AS b FROM w%d)".formatted(i, i - 1));
    }
    assertThat(lineage(sql + " SELECT a FROM w60").lines().count()).isLessThan(210);
  }

  @Test
  void namesDoNothingToATerminal() {
    assertThat(lineage("SELECT name AS \"\u001b[2J\u202e\" FROM customers"))
        .doesNotContain("\u001b", "\u202e");
  }
}
