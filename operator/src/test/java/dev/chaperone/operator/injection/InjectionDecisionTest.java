package dev.chaperone.operator.injection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class InjectionDecisionTest {
  private static final Example PLAIN = Examples.named("plain");

  private static ObjectNode injected() {
    return InjectionExamplesTest.apply(PLAIN.decide(), PLAIN.pod()).deepCopy();
  }

  private static InjectionDecision decide(JsonNode pod) {
    return InjectionDecision.of(pod, Examples.NAMESPACE, PLAIN.connections(), PLAIN.settings());
  }

  @Test
  void eachOutcomeHasItsLabelAndItsEvent() {
    assertThat(PLAIN.decide()).isInstanceOf(Inject.class);
    assertThat(PLAIN.decide().label()).contains("injected");
    assertThat(PLAIN.decide().eventReason()).isEqualTo("GatewayInjected");
    assertThat(decide(injected())).isInstanceOf(AlreadyInjected.class);
    assertThat(decide(injected()).label()).contains("injected");
    assertThat(decide(injected()).eventReason()).isEqualTo("GatewayPresent");
    InjectionDecision other = Examples.named("not-selected").decide();
    assertThat(other).isInstanceOf(NotSelected.class);
    assertThat(other.label()).isEmpty();
    assertThat(other.eventReason()).isEqualTo("NotSelected");
    InjectionDecision refused = Examples.named("refused-host-pid").decide();
    assertThat(refused.label()).isEmpty();
    assertThat(refused.eventReason()).isEqualTo("HostPid");
  }

  @Test
  void theLabelOfADecisionIsTheOneOnThePod() {
    assertThat(injected().at("/metadata/labels/chaperone.dev~1injection").asText())
        .isEqualTo(PLAIN.decide().label().orElseThrow());
  }

  @Test
  void everyReasonHasItsOwnEventAndAWayOut() {
    Set<String> events = new HashSet<>();
    for (RefusalReason reason : RefusalReason.values()) {
      assertThat(reason.eventReason()).matches("[A-Z][A-Za-z]{1,127}");
      assertThat(events.add(reason.eventReason())).as("%s is the only one", reason).isTrue();
      assertThat(reason.wayOut()).isNotBlank();
    }
  }

  @Test
  void everyReasonIsDocumented() throws IOException {
    String documentation = Files.readString(Path.of("..", "docs", "injection.md"));
    for (RefusalReason reason : RefusalReason.values()) {
      assertThat(documentation).contains("`" + reason.eventReason() + "`");
    }
  }

  @Test
  void anotherWebhooksContainerInFrontIsMovedBehindTheGateway() {
    ObjectNode pod = injected();
    ObjectNode mesh = ((ArrayNode) pod.at("/spec/initContainers")).insertObject(0);
    mesh.put("name", "mesh").put("image", "mesh:1").put("restartPolicy", "Always");
    Inject again = (Inject) decide(pod);
    JsonNode repaired = JsonPatch.apply(again.patch(), pod);
    assertThat(repaired.at("/spec/initContainers"))
        .extracting(c -> c.path("name").asText())
        .containsExactly("chaperone", "mesh");
    assertThat(PLAIN.check(repaired)).isEmpty();
    assertThat(decide(repaired)).isInstanceOf(AlreadyInjected.class);
  }

  @Test
  void aContainerThatAnotherWebhookAddsIsPreparedWhenAskedAgain() {
    ObjectNode pod = injected();
    ((ArrayNode) pod.at("/spec/containers")).addObject().put("name", "log").put("image", "log:1");
    assertThat(PLAIN.check(pod)).isNotEmpty();
    Inject again = (Inject) decide(pod);
    assertThat(PLAIN.check(JsonPatch.apply(again.patch(), pod))).isEmpty();
  }

  @Test
  void aGatewayThatWasChangedIsRefusedAndNotRepaired() {
    ObjectNode pod = injected();
    ((ObjectNode) pod.at("/spec/initContainers/0/securityContext")).put("runAsUser", 0);
    assertThat(decide(pod)).isInstanceOf(Refused.class);
    assertThat(decide(pod).eventReason()).isEqualTo("ReservedContainerName");
  }

  @Test
  void aCopyOfAnInjectedPodUnderOtherLabelsIsRefused() {
    ObjectNode pod = injected();
    ((ObjectNode) pod.at("/metadata/labels")).put("app", "other");
    assertThat(((Refused) decide(pod)).refusals())
        .extracting(Refusal::reason)
        .contains(RefusalReason.GUARDED_SECRET, RefusalReason.GATEWAY_TOKEN);
  }

  @Test
  void theOrderOfConnectionsHasNoInfluence() {
    Example two = Examples.named("two-connections");
    List<AgentConnection> reversed = new ArrayList<>(two.connections());
    Collections.reverse(reversed);
    assertThat(InjectionDecision.of(two.pod(), Examples.NAMESPACE, reversed, two.settings()))
        .isEqualTo(two.decide());
  }

  @Test
  void decidingLeavesThePodAsItWas() {
    for (Example example : Examples.all()) {
      JsonNode before = example.pod().deepCopy();
      example.decide();
      example.check(example.pod());
      assertThat(example.pod()).as("%s", example).isEqualTo(before);
    }
  }

  @Test
  void variablesFromElsewhereAreWarnedOf() {
    Inject inject = (Inject) Examples.named("existing-environment").decide();
    assertThat(inject.warnings())
        .singleElement()
        .asString()
        .startsWith("spec.containers[0].envFrom is not looked into: PGHOST");
  }

  @Test
  void namesInMessagesCannotMoveTheCursor() {
    ObjectNode pod = PLAIN.pod().deepCopy();
    ObjectNode labels = (ObjectNode) pod.at("/metadata/labels");
    labels.put("\u001B[2J\u202E" + "x".repeat(10_000), 1);
    String text = ((Refused) decide(pod)).refusals().get(0).toString();
    assertThat(text).doesNotContain("\u001B", "\u202E").hasSizeLessThan(300);
  }

  /** As large as the API server takes it: nothing here may take longer than in proportion. */
  @Test
  void aHugePodIsDecidedInTime() {
    ObjectNode pod = PLAIN.pod().deepCopy();
    ArrayNode env = ((ObjectNode) pod.at("/spec/containers/0")).putArray("env");
    for (int i = 0; i < 30_000; i++) {
      env.addObject().put("name", "V" + i).put("value", "$(PGHOST)");
    }
    ArrayNode volumes = ((ObjectNode) pod.path("spec")).putArray("volumes");
    for (int i = 0; i < 10_000; i++) {
      volumes.addObject().put("name", "v" + i).putObject("secret").put("secretName", "s" + i);
    }
    ArrayNode containers = (ArrayNode) pod.at("/spec/containers");
    for (int i = 0; i < 10_000; i++) {
      containers.addObject().put("name", "c" + i).put("image", "x");
    }
    assertTimeout(
        Duration.ofSeconds(30),
        () -> {
          Inject inject = (Inject) decide(pod);
          assertThat(inject.patch()).hasSizeGreaterThan(20_000);
          assertThat(PLAIN.check(pod)).hasSizeGreaterThan(20_000);
        });
  }

  /** Whatever stands where in a pod, there is a decision and no exception. */
  @Test
  void aPodOfAnyShapeIsDecided() {
    Random random = new Random(20261122);
    JsonNode[] values = {
      Examples.yaml("x: 1"),
      Examples.yaml("[1, {name: chaperone}]"),
      Examples.yaml("[]"),
      Examples.yaml("{}"),
      Examples.yaml("chaperone"),
      Examples.yaml("1e400"),
      Examples.yaml("null"),
      Examples.yaml("true"),
      Examples.yaml("-1")
    };
    List<Example> examples = Examples.all();
    int refused = 0;
    for (int i = 0; i < 6_000; i++) {
      Example example = examples.get(random.nextInt(examples.size()));
      JsonNode pod = example.pod().deepCopy();
      List<Place> places = new ArrayList<>();
      Place.root(pod).visit(p -> false, places::add);
      Place place = places.get(random.nextInt(places.size()));
      JsonNode value = values[random.nextInt(values.length)].deepCopy();
      if (place.pointer().isEmpty()) {
        pod = value;
      } else {
        JsonNode parent = pod.at(place.pointer().substring(0, place.pointer().lastIndexOf('/')));
        String last = place.lastField();
        if (parent instanceof ArrayNode list) {
          list.set(Integer.parseInt(last), value);
        } else {
          ((ObjectNode) parent).set(last.replace("~1", "/"), value);
        }
      }
      InjectionDecision decision =
          InjectionDecision.of(pod, Examples.NAMESPACE, example.connections(), example.settings());
      List<Refusal> problems = example.check(pod);
      FinalPodCheck.updated(
          example.pod(), pod, Examples.NAMESPACE, example.connections(), example.settings());
      if (decision instanceof Refused) {
        refused++;
        assertThat(problems).as("%s", pod).isNotEmpty();
      } else if (decision instanceof Inject inject) {
        JsonNode patched = JsonPatch.apply(inject.patch(), pod);
        assertThat(example.check(patched)).as("%s", patched).isEmpty();
      }
    }
    assertThat(refused).isBetween(1_500, 5_900);
  }
}
