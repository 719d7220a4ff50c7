package dev.chaperone.operator.injection;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionAnswer.Allowed;
import dev.chaperone.operator.admission.AdmissionAnswer.Patched;
import dev.chaperone.operator.admission.AdmissionAnswer.Refused;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.admission.AdmissionRequest.Operation;
import dev.chaperone.operator.injection.Examples.Example;
import io.fabric8.zjsonpatch.JsonPatch;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PodAdmissionTest {
  private static final JsonNode NOTHING = MissingNode.getInstance();
  private static final Example PLAIN = Examples.named("plain");

  private final PodAdmission admission = new PodAdmission(PLAIN.settings());

  private static AdmissionRequest request(
      Operation operation, String subResource, JsonNode object, JsonNode oldObject) {
    return new AdmissionRequest(
        "1",
        operation,
        "pods",
        subResource,
        "support",
        "",
        new AdmissionRequest.User("alice", "", List.of(), Map.of()),
        object,
        oldObject,
        false);
  }

  private AdmissionAnswer mutate(
      Operation operation, String subResource, JsonNode object, JsonNode oldObject) {
    return admission.mutate(
        request(operation, subResource, object, oldObject), PLAIN.connections());
  }

  private AdmissionAnswer validate(
      Operation operation, String subResource, JsonNode object, JsonNode oldObject) {
    return admission.validate(
        request(operation, subResource, object, oldObject), PLAIN.connections());
  }

  private static ObjectNode injected() {
    return InjectionExamplesTest.apply(PLAIN.decide(), PLAIN.pod()).deepCopy();
  }

  @Test
  void aNewPodIsPatchedAndThenAllowed() {
    Patched patched = (Patched) mutate(Operation.CREATE, "", PLAIN.pod(), NOTHING);
    JsonNode pod = JsonPatch.apply(patched.patch(), PLAIN.pod());
    assertThat(mutate(Operation.CREATE, "", pod, NOTHING)).isEqualTo(AdmissionAnswer.allowed());
    assertThat(validate(Operation.CREATE, "", pod, NOTHING)).isEqualTo(AdmissionAnswer.allowed());
  }

  @Test
  void aPodThatIsNoAgentLosesOnlyAFalseLabel() {
    AdmissionAnswer plain =
        mutate(Operation.CREATE, "", Examples.named("not-selected").pod(), NOTHING);
    assertThat(plain).isEqualTo(AdmissionAnswer.allowed());
    JsonNode labelled = Examples.named("not-selected-with-a-false-label").pod();
    Patched patched = (Patched) mutate(Operation.CREATE, "", labelled, NOTHING);
    assertThat(patched.patch())
        .hasToString(
            "[{\"op\":\"remove\",\"path\":\"/metadata/labels/chaperone.dev~1injection\"}]");
  }

  @Test
  void aPodThatWasNotPatchedIsRefused() {
    Refused refused = (Refused) validate(Operation.CREATE, "", PLAIN.pod(), NOTHING);
    assertThat(refused.reason()).isEqualTo("GatewayMissing");
  }

  @Test
  void aRefusalSaysAllReasonsInLines() {
    AdmissionAnswer answer =
        admission.mutate(
            request(Operation.CREATE, "", Examples.named("refused-many-things").pod(), NOTHING),
            PLAIN.connections());
    assertThat(((Refused) answer).reason()).isEqualTo("HostPid");
    assertThat(((Refused) answer).message().lines())
        .hasSize(5)
        .first()
        .isEqualTo("Chaperone refuses this pod:");
    assertThat(((Refused) answer).message())
        .contains("\n- spec.containers[0].securityContext.privileged: is on; remove it");
  }

  @Test
  void aRefusalForVeryManyReasonsIsShort() {
    ObjectNode pod = PLAIN.pod().deepCopy();
    for (int i = 0; i < 1000; i++) {
      ((ObjectNode) pod.path("spec"))
          .withArrayProperty("volumes")
          .addObject()
          .put("name", "v" + i)
          .putObject("hostPath");
    }
    Refused refused = (Refused) mutate(Operation.CREATE, "", pod, NOTHING);
    assertThat(refused.message().lines()).hasSize(22);
    assertThat(refused.message()).endsWith("\n- and 980 more");
  }

  @Test
  void anEphemeralContainerBesideAGatewayDropsNetRaw() {
    ObjectNode before = injected();
    ObjectNode old = ((ObjectNode) before.path("spec")).putArray("ephemeralContainers").addObject();
    old.put("name", "earlier").put("image", "busybox");
    ObjectNode after = before.deepCopy();
    ((ObjectNode) after.path("spec"))
        .withArrayProperty("ephemeralContainers")
        .addObject()
        .put("name", "debugger")
        .put("image", "busybox");
    Patched patched = (Patched) mutate(Operation.UPDATE, "ephemeralcontainers", after, before);
    JsonNode pod = JsonPatch.apply(patched.patch(), after);
    assertThat(pod.at("/spec/ephemeralContainers/0")).isEqualTo(old);
    assertThat(pod.at("/spec/ephemeralContainers/1/securityContext/capabilities/drop/0").asText())
        .isEqualTo("NET_RAW");
    assertThat(validate(Operation.UPDATE, "ephemeralcontainers", pod, before))
        .isEqualTo(AdmissionAnswer.allowed());
    assertThat(validate(Operation.UPDATE, "ephemeralcontainers", after, before))
        .isInstanceOf(Refused.class);
  }

  @Test
  void anEphemeralContainerElsewhereIsLeftAlone() {
    ObjectNode after = PLAIN.pod().deepCopy();
    ((ObjectNode) after.path("spec"))
        .putArray("ephemeralContainers")
        .addObject()
        .put("name", "debugger");
    assertThat(mutate(Operation.UPDATE, "ephemeralcontainers", after, PLAIN.pod()))
        .isEqualTo(AdmissionAnswer.allowed());
    assertThat(validate(Operation.UPDATE, "ephemeralcontainers", after, PLAIN.pod()))
        .isEqualTo(AdmissionAnswer.allowed());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "resize", "ephemeralcontainers"})
  void updatesOfEveryKindAreChecked(String subResource) {
    ObjectNode after = injected();
    ((ObjectNode) after.at("/spec/initContainers/0/resources/limits")).put("memory", "1Mi");
    assertThat(((Refused) validate(Operation.UPDATE, subResource, after, injected())).reason())
        .isEqualTo("GatewayChanged");
    assertThat(validate(Operation.UPDATE, subResource, injected(), injected()))
        .isEqualTo(AdmissionAnswer.allowed());
  }

  @ParameterizedTest
  @CsvSource({"UPDATE, status", "DELETE, ''", "CONNECT, exec", "CREATE, binding"})
  void whatTheWebhooksAreNotForIsNeitherChangedNorWavedThrough(
      Operation operation, String subResource) {
    assertThat(mutate(operation, subResource, injected(), injected()))
        .isEqualTo(AdmissionAnswer.allowed());
    assertThat(((Refused) validate(operation, subResource, injected(), injected())).reason())
        .isEqualTo("NotAPodRequest");
  }

  @Test
  void aMalformedEphemeralUpdateIsRefused() {
    assertThat(
            mutate(Operation.UPDATE, "ephemeralcontainers", Examples.yaml("spec: 1"), injected()))
        .isInstanceOf(Refused.class);
  }

  @Test
  void warningsGoWithThePatch() {
    Example example = Examples.named("existing-environment");
    Patched patched =
        (Patched)
            admission.mutate(
                request(Operation.CREATE, "", example.pod(), NOTHING), example.connections());
    assertThat(patched.warnings()).hasSize(1);
    assertThat(new Allowed(patched.warnings()).warnings()).hasSize(1);
  }
}
