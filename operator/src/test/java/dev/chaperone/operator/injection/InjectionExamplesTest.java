package dev.chaperone.operator.injection;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.injection.Examples.Example;
import dev.chaperone.operator.injection.InjectionDecision.AlreadyInjected;
import dev.chaperone.operator.injection.InjectionDecision.Inject;
import dev.chaperone.operator.injection.InjectionDecision.NotSelected;
import dev.chaperone.operator.injection.InjectionDecision.Refused;
import io.fabric8.zjsonpatch.JsonPatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Each directory of {@code src/test/resources/injection} is a pod, the connections of its
 * namespace, and what becomes of it. After a change that is meant, {@code
 * -Dinjection.regenerate=true} writes the outcomes anew: read the difference before it is
 * committed.
 */
class InjectionExamplesTest {
  private static final Pattern FILES =
      Pattern.compile(
          "connection[-a-z0-9]*\\.yaml|pod-in\\.yaml|pod-out\\.yaml|refused\\.txt"
              + "|authority-configmap\\.txt");

  @TestFactory
  Stream<DynamicTest> everyPodBecomesWhatItsDirectorySays() {
    return Examples.all().stream()
        .map(example -> DynamicTest.dynamicTest(example.toString(), () -> verify(example)));
  }

  private static void verify(Example example) throws IOException {
    InjectionDecision decision = example.decide();
    String outcome;
    if (decision instanceof Refused refused) {
      outcome =
          refused.refusals().stream()
              .map(r -> r.reason().eventReason() + " " + r + "\n")
              .collect(Collectors.joining());
    } else {
      outcome = Examples.text(apply(decision, example.pod()));
    }
    String file = decision instanceof Refused ? "refused.txt" : "pod-out.yaml";
    Path expected = example.directory().resolve(file);
    if (Boolean.getBoolean("injection.regenerate")) {
      Files.writeString(expected, outcome);
    }
    assertThat(expected).as("the outcome is %s", outcome).exists();
    assertThat(outcome).isEqualTo(Files.readString(expected));
  }

  /** Those of the folder {@code examples}, as their users apply them. */
  @TestFactory
  Stream<DynamicTest> aGatewayIsPutBesideTheAgentOfEveryExampleForUsers() throws IOException {
    List<Path> folders;
    try (Stream<Path> all = Files.list(Path.of("..", "examples"))) {
      folders = all.filter(one -> Files.exists(one.resolve("policy.yaml"))).sorted().toList();
    }
    assertThat(folders).hasSizeGreaterThanOrEqualTo(5);
    return folders.stream()
        .map(
            folder ->
                DynamicTest.dynamicTest(folder.getFileName().toString(), () -> injected(folder)));
  }

  private static void injected(Path folder) throws IOException {
    List<AgentConnection> connections = new ArrayList<>();
    List<JsonNode> pods = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList()) {
        for (String document : Files.readString(file).split("(?m)^---$", -1)) {
          JsonNode resource = Examples.yaml(document);
          if (resource.path("kind").asText().equals("AgentConnection")) {
            connections.add(Examples.connection(resource));
          } else if (resource.path("kind").asText().equals("Pod")) {
            pods.add(resource);
          }
        }
      }
    }
    JsonNode pod = pods.get(0);
    String namespace = pod.at("/metadata/namespace").asText();
    InjectionSettings settings = Examples.settings(false);
    InjectionDecision decision = InjectionDecision.of(pod, namespace, connections, settings);
    assertThat(decision).as(decision.toString()).isInstanceOf(Inject.class);
    JsonNode made = apply(decision, pod);
    assertThat(FinalPodCheck.created(made, namespace, connections, settings)).isEmpty();
    assertThat(made.at("/spec/initContainers/0/name").asText()).isEqualTo("chaperone");
  }

  static JsonNode apply(InjectionDecision decision, JsonNode pod) {
    if (decision instanceof Inject inject) {
      return JsonPatch.apply(inject.patch(), pod);
    }
    if (decision instanceof NotSelected notSelected) {
      return JsonPatch.apply(notSelected.patch(), pod);
    }
    assertThat(decision).isInstanceOf(AlreadyInjected.class);
    return pod;
  }

  @Test
  void everyFileIsUsed() throws IOException {
    for (Path directory : Examples.directories()) {
      assertThat(directory).isDirectory();
      Set<String> names;
      try (Stream<Path> files = Files.list(directory)) {
        names = files.map(f -> f.getFileName().toString()).collect(Collectors.toSet());
      }
      assertThat(names).as("%s", directory).allMatch(name -> FILES.matcher(name).matches());
      assertThat(names).as("%s", directory).contains("pod-in.yaml");
      assertThat(Collections.disjoint(names, Set.of("pod-out.yaml", "refused.txt")))
          .as("%s has an outcome", directory)
          .isFalse();
      assertThat(names.containsAll(List.of("pod-out.yaml", "refused.txt")))
          .as("%s has one outcome", directory)
          .isFalse();
    }
  }

  @Test
  void everyReasonThatAPodCanBeRefusedForWhenItIsMadeHasAnExample() {
    Set<RefusalReason> seen =
        Examples.all().stream()
            .map(Example::decide)
            .filter(Refused.class::isInstance)
            .flatMap(decision -> ((Refused) decision).refusals().stream())
            .map(Refusal::reason)
            .collect(Collectors.toCollection(() -> EnumSet.noneOf(RefusalReason.class)));
    assertThat(seen)
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(RefusalReason.values())
                .filter(reason -> !ONLY_OF_FINAL_PODS.contains(reason))
                .toList());
  }

  private static final Set<RefusalReason> ONLY_OF_FINAL_PODS =
      EnumSet.of(
          RefusalReason.PRIVILEGED_ACCOUNT,
          RefusalReason.GATEWAY_MISSING,
          RefusalReason.GATEWAY_DIFFERS,
          RefusalReason.GATEWAY_CHANGED,
          RefusalReason.CONTAINER_NOT_PREPARED);

  @TestFactory
  Stream<DynamicTest> askedAgainThereIsNothingLeftToDo() {
    return accepted()
        .map(
            example ->
                DynamicTest.dynamicTest(
                    example.toString(),
                    () -> {
                      JsonNode injected = apply(example.decide(), example.pod());
                      InjectionDecision again =
                          InjectionDecision.of(
                              injected,
                              Examples.NAMESPACE,
                              example.connections(),
                              example.settings());
                      if (again instanceof NotSelected notSelected) {
                        assertThat(notSelected.patch()).isEmpty();
                      } else {
                        assertThat(again).isInstanceOf(AlreadyInjected.class);
                      }
                    }));
  }

  @TestFactory
  Stream<DynamicTest> theFinalCheckAcceptsWhatWasPutIn() {
    return accepted()
        .map(
            example ->
                DynamicTest.dynamicTest(
                    example.toString(),
                    () ->
                        assertThat(example.check(apply(example.decide(), example.pod())))
                            .isEmpty()));
  }

  @TestFactory
  Stream<DynamicTest> nothingThatThePodSaidIsLost() {
    return accepted()
        .map(
            example ->
                DynamicTest.dynamicTest(
                    example.toString(),
                    () -> {
                      InjectionDecision decision = example.decide();
                      ArrayNode patch =
                          decision instanceof Inject inject
                              ? inject.patch()
                              : Examples.JSON.createArrayNode();
                      for (JsonNode operation : patch) {
                        String path = operation.path("path").asText();
                        if (operation.path("op").asText().equals("move")) {
                          continue;
                        }
                        assertThat(operation.path("op").asText()).isEqualTo("add");
                        // An add to a member of an object replaces what is there.
                        boolean insertsInList = path.matches(".*/(-|[0-9]+)");
                        JsonNode replaced = example.pod().at(path.replaceAll("/-$", "/x"));
                        if (!insertsInList && !path.endsWith("/chaperone.dev~1injection")) {
                          assertThat(replaced.isMissingNode() || replaced.isNull())
                              .as("%s", path)
                              .isTrue();
                        }
                      }
                    }));
  }

  /** Somebody switches the mutating webhook off, or changes the pod after it. */
  @TestFactory
  Stream<DynamicTest> whatIsRefusedAtFirstIsRefusedAtTheEnd() {
    return Examples.all().stream()
        .filter(Example::refused)
        .map(
            example ->
                DynamicTest.dynamicTest(
                    example.toString(),
                    () -> {
                      Refused refused = (Refused) example.decide();
                      if (refused.refusals().get(0).reason() == RefusalReason.MALFORMED_POD) {
                        assertThat(example.check(example.pod())).isNotEmpty();
                        return;
                      }
                      RawPod raw = RawPod.of(example.pod());
                      GatewayPlan plan =
                          GatewayPlan.of(
                              raw, Examples.NAMESPACE, example.connections(), example.settings());
                      JsonNode forced =
                          plan.isSelected()
                              ? JsonPatch.apply(
                                  PodPatch.of(raw, plan, GatewayTraces.of(raw, plan.sidecar())),
                                  example.pod())
                              : example.pod();
                      assertThat(example.check(forced)).isNotEmpty();
                      Set<RefusalReason> risks =
                          refused.refusals().stream()
                              .map(Refusal::reason)
                              .filter(RISKS::contains)
                              .collect(Collectors.toSet());
                      assertThat(example.check(forced))
                          .extracting(Refusal::reason)
                          .containsAll(plan.problems().isEmpty() ? risks : Set.of());
                    }));
  }

  private static final Set<RefusalReason> RISKS =
      EnumSet.range(RefusalReason.GATEWAY_VOLUME, RefusalReason.ROOT_WITH_UNPROVEN_NAME);

  private static Stream<Example> accepted() {
    return Examples.all().stream().filter(example -> !example.refused());
  }
}
