package dev.chaperone.operator.injection;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.ValueNode;
import dev.chaperone.operator.injection.Examples.Example;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FinalPodCheckTest {
  private static final Example PLAIN = Examples.named("plain");

  private static ObjectNode injected(Example example) {
    return InjectionExamplesTest.apply(example.decide(), example.pod()).deepCopy();
  }

  /** Every leaf and every branch of what was put in, changed and removed, one at a time. */
  @TestFactory
  Stream<DynamicTest> noSingleChangeOfTheGatewayPasses() {
    return Stream.of("plain", "two-connections", "tls", "authority-configmap", "existing-volumes")
        .map(Examples::named)
        .map(
            example ->
                DynamicTest.dynamicTest(
                    example.toString(),
                    () -> {
                      JsonNode pod = injected(example);
                      List<String> pointers = pointersOfGateway(pod);
                      assertThat(pointers).hasSizeGreaterThan(100);
                      assertThat(example.check(pod)).isEmpty();
                      for (String pointer : pointers) {
                        assertRefused(example, pod, pointer, FinalPodCheckTest::remove);
                        assertRefused(example, pod, pointer, FinalPodCheckTest::change);
                        assertRefused(example, pod, pointer, FinalPodCheckTest::extend);
                      }
                    }));
  }

  private interface Mutation {
    /** Returns false where it cannot be done there. */
    boolean apply(JsonNode pod, String pointer);
  }

  private static void assertRefused(
      Example example, JsonNode pod, String pointer, Mutation mutation) {
    JsonNode mutated = pod.deepCopy();
    if (mutation.apply(mutated, pointer)) {
      assertThat(mutated).isNotEqualTo(pod);
      assertThat(example.check(mutated)).as("%s in %s", pointer, mutated.at(pointer)).isNotEmpty();
    }
  }

  private static List<String> pointersOfGateway(JsonNode pod) {
    List<String> pointers = new ArrayList<>();
    Place root = Place.root(pod);
    Consumer<Place> collect = place -> pointers.add(place.pointer());
    root.field("spec").field("initContainers").item(0).visit(p -> false, collect);
    for (Place volume : root.field("spec").field("volumes").items()) {
      if (volume.field("name").text().startsWith("chaperone-")) {
        volume.visit(p -> false, collect);
      }
    }
    for (Place variable : root.field("spec").field("containers").item(0).field("env").items()) {
      if (variable.field("name").text().startsWith("PG")) {
        variable.visit(p -> false, collect);
      }
    }
    pointers.add("/metadata/labels/chaperone.dev~1injection");
    return pointers;
  }

  private static boolean remove(JsonNode pod, String pointer) {
    JsonNode parent = pod.at(pointer.substring(0, pointer.lastIndexOf('/')));
    String last = pointer.substring(pointer.lastIndexOf('/') + 1);
    if (parent instanceof ArrayNode list) {
      list.remove(Integer.parseInt(last));
    } else {
      ((ObjectNode) parent).remove(last.replace("~1", "/"));
    }
    return true;
  }

  private static boolean change(JsonNode pod, String pointer) {
    if (!(pod.at(pointer) instanceof ValueNode value)) {
      return false;
    }
    JsonNode other;
    if (value.isBoolean()) {
      other = Examples.JSON.getNodeFactory().booleanNode(!value.booleanValue());
    } else if (value.isNumber()) {
      other = Examples.JSON.getNodeFactory().numberNode(value.longValue() + 1);
    } else {
      other = Examples.JSON.getNodeFactory().textNode(value.asText() + "1");
    }
    replace(pod, pointer, other);
    return true;
  }

  /** Adds a field to an object, or an item to a list. */
  private static boolean extend(JsonNode pod, String pointer) {
    if (pod.at(pointer) instanceof ObjectNode object) {
      object.put("unexpected", true);
      return true;
    }
    if (pod.at(pointer) instanceof ArrayNode list) {
      list.add(list.get(list.size() - 1).deepCopy());
      return true;
    }
    return false;
  }

  private static void replace(JsonNode pod, String pointer, JsonNode value) {
    JsonNode parent = pod.at(pointer.substring(0, pointer.lastIndexOf('/')));
    String last = pointer.substring(pointer.lastIndexOf('/') + 1);
    if (parent instanceof ArrayNode list) {
      list.set(Integer.parseInt(last), value);
    } else {
      ((ObjectNode) parent).set(last.replace("~1", "/"), value);
    }
  }

  @Test
  void aPodThatTheMutatingWebhookDidNotSeeIsRefused() {
    assertThat(PLAIN.check(PLAIN.pod()))
        .extracting(Refusal::reason)
        .contains(RefusalReason.GATEWAY_MISSING, RefusalReason.CONTAINER_NOT_PREPARED);
  }

  @Test
  void theGatewayMustBeTheFirstInitContainer() {
    ObjectNode pod = injected(PLAIN);
    ArrayNode list = (ArrayNode) pod.at("/spec/initContainers");
    list.insertObject(0).put("name", "earlier").put("image", "busybox");
    assertThat(PLAIN.check(pod))
        .anyMatch(
            r ->
                r.reason() == RefusalReason.GATEWAY_DIFFERS
                    && r.path().equals("spec.initContainers[1]"));
  }

  @Test
  void aContainerThatWasAddedLaterMustBePreparedToo() {
    ObjectNode pod = injected(PLAIN);
    ((ArrayNode) pod.at("/spec/containers")).addObject().put("name", "later").put("image", "x");
    assertThat(PLAIN.check(pod))
        .extracting(Refusal::path)
        .contains("spec.containers[1].securityContext", "spec.containers[1].env");
  }

  @Test
  void whatTheApiServerFillsInIsNoDifference() {
    ObjectNode pod = injected(PLAIN);
    ObjectNode gateway = (ObjectNode) pod.at("/spec/initContainers/0");
    // A LimitRange of the namespace.
    ((ObjectNode) gateway.at("/resources/limits")).put("cpu", "2").put("ephemeral-storage", "1Gi");
    ((ObjectNode) gateway.at("/resources/requests")).put("ephemeral-storage", "50Mi");
    // A feature gate of some API servers.
    ((ObjectNode) gateway.path("securityContext")).put("procMount", "Default");
    // Quantities are written anew.
    for (JsonNode volume : pod.at("/spec/volumes")) {
      if (volume.path("name").asText().equals(GatewayNames.JOURNAL_VOLUME)) {
        assertThat(volume.at("/emptyDir/sizeLimit").asText()).isEqualTo("1024Mi");
        ((ObjectNode) volume.path("emptyDir")).put("sizeLimit", "1Gi");
      }
    }
    // What it fills in elsewhere.
    ((ObjectNode) pod.path("spec"))
        .put("dnsPolicy", "ClusterFirst")
        .put("enableServiceLinks", true);
    assertThat(PLAIN.check(pod)).isEmpty();
  }

  @Test
  void whatIsFilledInCannotBeUsedToChangeTheGateway() {
    for (Consumer<ObjectNode> change :
        List.<Consumer<ObjectNode>>of(
            g -> ((ObjectNode) g.path("resources")).putArray("claims").addObject().put("name", "x"),
            g -> ((ObjectNode) g.at("/resources/limits")).put("memory", "8Mi"),
            g -> ((ObjectNode) g.at("/resources/limits")).putObject("cpu").put("x", "y"),
            g -> ((ObjectNode) g.path("securityContext")).put("procMount", "Unmasked"),
            g -> ((ObjectNode) g.path("securityContext")).putObject("seLinuxOptions"),
            g -> ((ObjectNode) g.path("securityContext")).putObject("appArmorProfile"),
            g -> g.putArray("envFrom"),
            g -> g.putArray("command").add("sh"),
            g -> g.putObject("lifecycle"),
            g -> g.put("stdin", true))) {
      ObjectNode pod = injected(PLAIN);
      change.accept((ObjectNode) pod.at("/spec/initContainers/0"));
      assertThat(PLAIN.check(pod))
          .as("%s", pod.at("/spec/initContainers/0"))
          .extracting(Refusal::reason)
          .contains(RefusalReason.GATEWAY_DIFFERS);
    }
  }

  @Test
  void thePathThatDiffersIsSaid() {
    ObjectNode pod = injected(PLAIN);
    ((ObjectNode) pod.at("/spec/initContainers/0")).put("image", "evil.example/sidecar");
    assertThat(PLAIN.check(pod))
        .anyMatch(
            r ->
                r.reason() == RefusalReason.GATEWAY_DIFFERS
                    && r.path().equals("spec.initContainers[0].image"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"initContainers", "containers", "ephemeralContainers"})
  void asecondContainerOfTheGatewaysNameIsRefused(String list) {
    ObjectNode pod = injected(PLAIN);
    JsonNode copy = pod.at("/spec/initContainers/0").deepCopy();
    ((ObjectNode) pod.path("spec")).withArrayProperty(list).add(copy);
    assertThat(PLAIN.check(pod))
        .extracting(Refusal::reason)
        .contains(RefusalReason.GATEWAY_DIFFERS);
  }

  // Updates of a stored pod.

  private static List<Refusal> update(JsonNode before, JsonNode after) {
    return FinalPodCheck.updated(
        before, after, Examples.NAMESPACE, PLAIN.connections(), PLAIN.settings());
  }

  @Test
  void anUpdateThatLeavesTheGatewayAloneIsAllowed() {
    ObjectNode before = injected(PLAIN);
    ObjectNode after = before.deepCopy();
    ((ObjectNode) after.at("/spec/containers/0")).put("image", "agent:2");
    ((ObjectNode) after.path("metadata")).putObject("annotations").put("a", "b");
    assertThat(update(before, after)).isEmpty();
  }

  @Test
  void aPodOfAnOlderGatewayCanStillBeUpdated() {
    ObjectNode before = injected(PLAIN);
    ((ObjectNode) before.at("/spec/initContainers/0")).put("image", "chaperone/sidecar:0.0.9");
    ObjectNode after = before.deepCopy();
    ((ObjectNode) after.path("metadata")).putArray("finalizers");
    assertThat(update(before, after)).isEmpty();
  }

  @Test
  void aPodThatIsOlderThanItsConnectionCanStillBeUpdated() {
    ObjectNode after = PLAIN.pod().deepCopy();
    ((ObjectNode) after.path("metadata")).putArray("finalizers");
    assertThat(update(PLAIN.pod(), after)).isEmpty();
  }

  @Test
  void noUpdateChangesAnythingOfTheGateway() {
    ObjectNode before = injected(PLAIN);
    List<String> pointers = pointersOfGateway(before);
    pointers.removeIf(pointer -> pointer.startsWith("/spec/containers"));
    for (String pointer : pointers) {
      for (Mutation mutation :
          List.<Mutation>of(
              FinalPodCheckTest::remove, FinalPodCheckTest::change, FinalPodCheckTest::extend)) {
        JsonNode after = before.deepCopy();
        if (mutation.apply(after, pointer)) {
          assertThat(update(before, after)).as("%s", pointer).isNotEmpty();
        }
      }
    }
  }

  @Test
  void theGatewayCannotBeResized() {
    ObjectNode before = injected(PLAIN);
    ObjectNode after = before.deepCopy();
    ((ObjectNode) after.at("/spec/initContainers/0/resources/limits")).put("cpu", "1m");
    assertThat(update(before, after))
        .singleElement()
        .satisfies(
            r -> {
              assertThat(r.reason()).isEqualTo(RefusalReason.GATEWAY_CHANGED);
              assertThat(r.path()).isEqualTo("spec.initContainers[0].resources.limits.cpu");
            });
  }

  private static ObjectNode debug(ObjectNode pod) {
    return ((ObjectNode) pod.path("spec"))
        .putArray("ephemeralContainers")
        .addObject()
        .put("name", "debugger")
        .put("image", "busybox");
  }

  private static void dropNetRaw(ObjectNode container) {
    container.withObject("/securityContext/capabilities").putArray("drop").add("NET_RAW");
  }

  @Test
  void anEphemeralContainerBesideTheAgentIsAllowed() {
    ObjectNode before = injected(PLAIN);
    ObjectNode after = before.deepCopy();
    ObjectNode debugger = debug(after);
    debugger.put("targetContainerName", "agent");
    dropNetRaw(debugger);
    assertThat(update(before, after)).isEmpty();
  }

  @Test
  void anEphemeralContainerMustDropNetRaw() {
    ObjectNode before = injected(PLAIN);
    ObjectNode after = before.deepCopy();
    debug(after);
    assertThat(update(before, after))
        .extracting(Refusal::reason)
        .containsExactly(RefusalReason.CONTAINER_NOT_PREPARED);
  }

  @Test
  void noEphemeralContainerGetsAtTheGateway() {
    record Attempt(RefusalReason reason, Consumer<ObjectNode> change) {}
    for (Attempt attempt :
        List.of(
            new Attempt(
                RefusalReason.DEBUGS_GATEWAY, c -> c.put("targetContainerName", "chaperone")),
            new Attempt(
                RefusalReason.PRIVILEGED,
                c -> c.withObject("/securityContext").put("privileged", true)),
            new Attempt(
                RefusalReason.CAPABILITY,
                c ->
                    c.withObject("/securityContext/capabilities")
                        .putArray("add")
                        .add("sys_ptrace")),
            new Attempt(
                RefusalReason.GATEWAY_USER,
                c -> c.withObject("/securityContext").put("runAsUser", 64532)),
            new Attempt(
                RefusalReason.GATEWAY_VOLUME,
                c ->
                    c.putArray("volumeMounts")
                        .addObject()
                        .put("name", "chaperone-secrets")
                        .put("mountPath", "/x")),
            new Attempt(
                RefusalReason.GUARDED_SECRET,
                c ->
                    c.putArray("envFrom")
                        .addObject()
                        .putObject("secretRef")
                        .put("name", "orders-db")))) {
      ObjectNode before = injected(PLAIN);
      ObjectNode after = before.deepCopy();
      ObjectNode debugger = debug(after);
      dropNetRaw(debugger);
      attempt.change().accept(debugger);
      assertThat(update(before, after))
          .extracting(Refusal::reason)
          .containsExactly(attempt.reason());
    }
  }

  @Test
  void noEphemeralContainerOfRootComesBesideATargetThatProvesNoName() {
    Example example = Examples.named("unproven-target-without-root");
    ObjectNode before = injected(example);
    ObjectNode after = before.deepCopy();
    ObjectNode debugger = debug(after);
    dropNetRaw(debugger);
    assertThat(
            FinalPodCheck.updated(
                before, after, Examples.NAMESPACE, example.connections(), example.settings()))
        .extracting(Refusal::reason)
        .containsExactly(RefusalReason.ROOT_WITH_UNPROVEN_NAME);
    debugger.withObject("/securityContext").put("allowPrivilegeEscalation", false);
    assertThat(
            FinalPodCheck.updated(
                before, after, Examples.NAMESPACE, example.connections(), example.settings()))
        .as("the pod says runAsNonRoot for all")
        .isEmpty();
  }

  @Test
  void aSecretIsGuardedInPodsWithoutAGatewayToo() {
    ObjectNode before = PLAIN.pod().deepCopy();
    ObjectNode after = before.deepCopy();
    debug(after).putArray("envFrom").addObject().putObject("secretRef").put("name", "orders-db");
    assertThat(update(before, after))
        .extracting(Refusal::reason)
        .containsExactly(RefusalReason.GUARDED_SECRET);
  }

  @Test
  void whatAStoredPodHadBeforeKeepsNobodyFromUpdatingIt() {
    ObjectNode before = injected(PLAIN);
    ((ObjectNode) before.path("spec")).put("hostNetwork", true);
    ObjectNode after = before.deepCopy();
    ((ObjectNode) after.path("metadata")).putArray("finalizers");
    assertThat(update(before, after)).isEmpty();
  }
}
