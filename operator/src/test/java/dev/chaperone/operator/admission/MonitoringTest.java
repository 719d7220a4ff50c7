package dev.chaperone.operator.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.Command;
import dev.chaperone.operator.testing.Output;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the chart has for Prometheus and Grafana. */
class MonitoringTest {
  private static final Path MONITORING = Chart.DIRECTORY.resolve("monitoring");
  private static final Path ALERTS = MONITORING.resolve("alerts.yaml");
  private static final Path SOURCES = Path.of("src/main/java");
  private static final Path OPERATIONS = Path.of("../docs/operations.md");

  /** What Prometheus' text form adds to a name. */
  private static final Pattern ADDED =
      Pattern.compile("(_total|(_seconds)?_(sum|count|max)|_seconds)$");

  @ParameterizedTest
  @ValueSource(strings = {"alerts.yaml", "dashboard.json"})
  void everyMetricThatIsLookedAtIsOneOfTheOperator(String file) throws IOException {
    Set<String> known = new TreeSet<>();
    try (Stream<Path> sources = Files.walk(SOURCES)) {
      for (Path source : sources.filter(one -> one.toString().endsWith(".java")).toList()) {
        known.addAll(all("\"(chaperone\\.[a-z.]+)\"", Files.readString(source)));
      }
    }
    Set<String> used = all("\\b(chaperone_[a-z_]+)\\b", Files.readString(MONITORING.resolve(file)));
    assertThat(used).hasSizeGreaterThan(8);
    assertThat(used)
        .allSatisfy(
            name ->
                assertThat(known).contains(ADDED.matcher(name).replaceFirst("").replace('_', '.')));
  }

  @Test
  void everyMetricThatIsLookedAtIsDescribed() throws IOException {
    String text = Files.readString(OPERATIONS);
    for (String file : new String[] {"alerts.yaml", "dashboard.json"}) {
      for (String name :
          all("\\b(chaperone_[a-z_]+)\\b", Files.readString(MONITORING.resolve(file)))) {
        assertThat(text).contains("`" + name.replaceFirst("_(sum|count|max)$", ""));
      }
    }
  }

  @Test
  void everyAlertSaysWhatItIsAndTheManualWhatToDo() throws IOException {
    JsonNode groups = new YAMLMapper().readTree(ALERTS.toFile()).path("groups");
    String manual = Files.readString(OPERATIONS);
    int alerts = 0;
    for (JsonNode group : groups) {
      for (JsonNode rule : group.path("rules")) {
        alerts++;
        String name = rule.path("alert").asText();
        assertThat(name).startsWith("Chaperone");
        assertThat(rule.at("/labels/severity").asText()).isIn("critical", "warning", "info");
        assertThat(rule.at("/annotations/summary").asText()).isNotEmpty();
        assertThat(rule.at("/annotations/description").asText()).isNotEmpty();
        assertThat(manual).contains("| `" + name + "` |");
      }
    }
    assertThat(alerts).isGreaterThan(10);
  }

  @Test
  void eachPanelOfTheDashboardAsksSomething() throws IOException {
    JsonNode panels =
        new ObjectMapper().readTree(MONITORING.resolve("dashboard.json").toFile()).path("panels");
    assertThat(panels).hasSizeGreaterThan(8);
    for (JsonNode panel : panels) {
      assertThat(panel.at("/targets/0/expr").asText())
          .as(panel.path("title").asText())
          .isNotEmpty();
    }
  }

  @Test
  void prometheusTakesTheRules() {
    boolean there =
        Stream.of(System.getenv("PATH").split(":"))
            .anyMatch(directory -> Files.isExecutable(Path.of(directory, "promtool")));
    if (!there) {
      String reason = "NOT RUN: the alert rules' own check needs promtool on the PATH";
      System.err.println(reason);
      Assumptions.abort(reason);
    }
    Output checked =
        Command.run(List.of("promtool", "check", "rules", ALERTS.toString()), Map.of(), 60);
    assertThat(checked.exit()).as(checked.toString()).isZero();
  }

  private static Set<String> all(String pattern, String text) {
    Set<String> found = new TreeSet<>();
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }
}
