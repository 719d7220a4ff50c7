package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.chaperone.sidecar.testing.DriverProgram;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestAuthority;
import dev.chaperone.sidecar.testing.TestPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Drivers and what is built on them, unmodified: what each promises is done through the gateway,
 * with a policy and masks in force. docs/drivers.md has the table; {@code
 * -Ddrivers.regenerate=true} writes it anew.
 */
@Tag("long")
class DriversIT {
  private static final Path TABLE = Path.of("..", "docs", "drivers.md");
  private static final String BEGIN = "<!-- begin: made by DriversIT -->\n";
  private static final String END = "<!-- end -->";

  private static final String POLICY =
      """
        rules:
        - {name: reads, effects: [Read, SessionState], action: Allow}
        - {name: notes, effects: [Write], resources: [public.notes], action: Allow}
        masking:
        - {columns: [public.people.ssn], with: Redact}
      """;

  /** What is built on drivers asks a lot as it starts; reads suffice for all of that. */
  private static final Set<String> UNDER_READS = Set.of("Django", "Hibernate");

  private static final String READS = POLICY.replace("[Read, SessionState]", "[Read]");

  private static final Map<DriverProgram, List<String>> PRINTED = new LinkedHashMap<>();

  @TempDir static Path directory;

  @BeforeAll
  static void runThem() throws IOException, InterruptedException {
    TestPostgres server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    server.execute(
        "CREATE TABLE people (id int PRIMARY KEY, name text, ssn text)",
        "INSERT INTO people SELECT g, 'name ' || g, '078-05-' || lpad(g::text, 4, '0')"
            + " FROM generate_series(1, 20000) g",
        "CREATE TABLE notes (id int PRIMARY KEY, text text, at timestamptz, data bytea,"
            + " tags text[], extra jsonb, amount numeric(20, 4))",
        "CREATE TABLE kept (id int)",
        "CREATE TABLE letters (id int PRIMARY KEY, author int REFERENCES people)",
        "INSERT INTO letters VALUES (1, 3), (2, 3)",
        "GRANT ALL ON people, notes, kept, letters TO agent");
    TestAuthority authority = new TestAuthority();
    Path trusted = Files.writeString(directory.resolve("ca.pem"), authority.pem());
    try (GatewayUnderTest gateway = GatewayUnderTest.start(server)) {
      gateway.policy(POLICY);
      gateway.listenTls(authority.server("127.0.0.1"), false);
      for (DriverProgram driver : DriverProgram.ALL) {
        if (driver.missing().isEmpty()) {
          gateway.policy(UNDER_READS.contains(driver.label()) ? READS : POLICY);
          PRINTED.put(driver, driver.run(gateway.port(), trusted));
        } else {
          System.err.println(
              "NOT RUN: tests with " + driver.label() + ", there is no " + driver.missing());
        }
      }
    }
  }

  @AfterAll
  static void forget() {
    PRINTED.clear();
  }

  @TestFactory
  Stream<DynamicNode> eachDriverDoesWhatItPromises() {
    Assumptions.assumeFalse(PRINTED.isEmpty(), "no language with a driver is installed");
    List<DynamicNode> tests = new ArrayList<>();
    PRINTED.forEach(
        (driver, lines) -> {
          tests.add(
              dynamicTest(
                  driver.label() + " says something", () -> assertThat(lines).isNotEmpty()));
          lines.forEach(
              line ->
                  tests.add(
                      dynamicTest(
                          driver.label() + ": " + line, () -> assertThat(line).startsWith("ok "))));
        });
    return tests.stream();
  }

  @Test
  void theTableInTheDocumentationIsWhatWasSeen() throws IOException {
    List<String> absent =
        DriverProgram.ALL.stream()
            .filter(driver -> !PRINTED.containsKey(driver))
            .map(driver -> driver.label() + " needs " + String.join(", ", driver.missing()))
            .toList();
    Assumptions.assumeTrue(absent.isEmpty(), String.join("; ", absent));
    String text = Files.readString(TABLE);
    int begin = text.indexOf(BEGIN) + BEGIN.length();
    int end = text.indexOf(END);
    String expected = text.substring(0, begin) + table() + text.substring(end);
    if (Boolean.getBoolean("drivers.regenerate")) {
      Files.writeString(TABLE, expected);
    }
    assertThat(Files.readString(TABLE))
        .as("docs/drivers.md; -Ddrivers.regenerate=true writes it anew")
        .isEqualTo(expected);
  }

  /** One row for each promise; what a driver does in several modes must work in all of them. */
  private static String table() {
    StringBuilder table = new StringBuilder("| |");
    for (DriverProgram driver : DriverProgram.ALL) {
      table.append(' ').append(driver.label()).append(" |");
    }
    table.append('\n').append("|---|").append("---|".repeat(DriverProgram.ALL.size()));
    table.append('\n');
    TreeSet<String> promises = new TreeSet<>();
    PRINTED.values().forEach(lines -> lines.forEach(line -> promises.add(promise(line))));
    for (String promise : promises) {
      table.append("| ").append(promise).append(" |");
      for (DriverProgram driver : DriverProgram.ALL) {
        List<String> lines =
            PRINTED.get(driver).stream().filter(line -> promise(line).equals(promise)).toList();
        table.append(' ').append(cell(lines)).append(" |");
      }
      table.append('\n');
    }
    return table.toString();
  }

  private static String cell(List<String> lines) {
    if (lines.isEmpty()) {
      return "–";
    }
    if (!lines.stream().allMatch(line -> line.startsWith("ok "))) {
      return "fails";
    }
    return lines.size() == 1 ? "yes" : "yes, in " + lines.size() + " modes";
  }

  /** {@code ok NAME}, {@code ok NAME, MODE} and {@code FAILED NAME: REASON} are about NAME. */
  private static String promise(String line) {
    return line.replaceFirst("^(ok|FAILED) ", "").replaceFirst("[,:].*", "");
  }
}
