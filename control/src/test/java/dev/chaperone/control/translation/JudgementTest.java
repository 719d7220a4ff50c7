package dev.chaperone.control.translation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.Problem;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JudgementTest {
  private static final String CONNECTION =
      """
      {"apiVersion":"chaperone.dev/v1alpha1","kind":"AgentConnection",
       "metadata":{"name":"orders-db","namespace":"support","managedFields":[{"fieldsV1":{"f:spec":{}}}]},
       "spec":{"protocol":"PostgreSQL","target":{"host":"db","port":5432,"database":"orders"},
        "credentials":{"secretRef":{"name":"orders-db"}},
        "agents":{"podSelector":{"matchLabels":{"app":"agent"}}},"listen":{"port":15432}},
       "status":{"sessions":{"active":1}}}
      """;

  private static final String POLICY =
      """
      {"apiVersion":"chaperone.dev/v1alpha1","kind":"AccessPolicy",
       "metadata":{"name":"agents","namespace":"support"},
       "spec":{"connections":["not-there-yet"],
        "subjects":[{"kind":"ServiceAccount","name":"agent"}],
        "rules":[{"name":"reads","effects":["Read"],"action":"Allow"}]}}
      """;

  private static List<String> judged(String json) {
    return Judgement.of("it", json.getBytes(StandardCharsets.UTF_8)).stream()
        .map(problem -> problem.path() + ": " + problem.message())
        .toList();
  }

  @Test
  void nothingIsWrongWithWhatCanBePutInForce() {
    assertThat(judged(CONNECTION)).isEmpty();
    assertThat(judged(POLICY)).as("whether its connections exist is another question").isEmpty();
  }

  @Test
  void everyMistakeOfAConnectionIsNamedAtOnce() {
    assertThat(
            judged(
                CONNECTION
                    .replace("PostgreSQL", "MySQL")
                    .replace("\"listen\"", "\"limits\":{\"statementBytes\":\"2Gi\"},\"listen\"")))
        .anySatisfy(p -> assertThat(p).startsWith("spec.protocol: protocol MySQL"))
        .anySatisfy(p -> assertThat(p).startsWith("spec.limits.statementBytes: must be between"));
  }

  @Test
  void anUnknownFieldIsNamedWithTheNearestOne() {
    assertThat(judged(CONNECTION.replace("\"listen\"", "\"lisen\"")))
        .anySatisfy(p -> assertThat(p).contains("lisen").contains("did you mean"));
  }

  @Test
  void whatIsSaidIsWhatAGatewayWithADirectorySays(@TempDir Path directory) throws Exception {
    String typo =
        POLICY.replace("\"name\":\"reads\",", "\"name\":\"reads\",\"commands\":[\"SELCT\"],");
    Files.writeString(directory.resolve("policy.json"), typo);
    Files.writeString(
        directory.resolve("pod.yaml"),
        "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: support}}");
    List<String> standalone = List.of();
    try {
      Configuration.load(directory, 1);
    } catch (InvalidConfigurationException e) {
      standalone = e.problems().stream().map(Problem::message).toList();
    }
    List<Problem> judged = Judgement.of("it", typo.getBytes(StandardCharsets.UTF_8));
    assertThat(judged).hasSize(1);
    assertThat(standalone).contains(judged.get(0).message());
  }

  @Test
  void whatIsNoResourceIsSaid() {
    assertThat(judged("[]")).hasSize(1);
    assertThat(judged("{")).hasSize(1);
  }
}
