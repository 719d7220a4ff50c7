package dev.chaperone.operator.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.operator.testing.Chart;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The chart by itself. */
@UsesTestCluster
class ChartIT extends AdmissionTests {
  @Test
  void theApiServerFindsNothingToWarnOfInThePolicies() {
    for (String policy : POLICIES) {
      String path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/" + policy;
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> cluster.api().get(path).body().at("/status").has("typeChecking"));
      JsonNode warnings =
          cluster.api().get(path).body().at("/status/typeChecking/expressionWarnings");
      assertThat(warnings).as("%s: %s", policy, warnings).isEmpty();
    }
  }

  @Test
  void thePoliciesOfTheChartAreThoseOfTheseTests() {
    List<String> names = new ArrayList<>();
    Chart.template(cluster)
        .out()
        .lines()
        .filter(line -> line.startsWith("  policyName: "))
        .forEach(line -> names.add(line.substring("  policyName: ".length())));
    assertThat(names).containsExactlyInAnyOrderElementsOf(POLICIES);
  }

  @TestFactory
  Stream<DynamicTest> valuesThatTheChartDoesNotKnowAreRefused() {
    return Stream.of(
            "operator.serviceAccount=x",
            "operator.serviceAccountName=x' || true || '",
            "operator.serviceAccountName=",
            "admission.systemUsers={jane}",
            "admission.systemUsers={system:x'}",
            "admission.enabled=false")
        .map(
            setting ->
                DynamicTest.dynamicTest(
                    setting,
                    () -> {
                      Output output = Chart.template(cluster, setting);
                      assertThat(output.exit()).isNotZero();
                      assertThat(output.err()).contains("values don't meet the specifications");
                    }));
  }
}
