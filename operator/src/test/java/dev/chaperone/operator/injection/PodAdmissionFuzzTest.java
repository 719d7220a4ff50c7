package dev.chaperone.operator.injection;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionAnswer.Allowed;
import dev.chaperone.operator.admission.AdmissionAnswer.Patched;
import dev.chaperone.operator.admission.AdmissionAnswer.Refused;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.admission.AdmissionRequest.Operation;
import dev.chaperone.operator.injection.Examples.Example;
import dev.chaperone.policy.testing.FuzzTest;
import io.fabric8.zjsonpatch.JsonPatch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Pods of any form: each is refused, or left alone by both webhooks, or gets a gateway with which
 * both are content. Nothing else: a pod that the first changes and the second refuses could never
 * be made.
 */
class PodAdmissionFuzzTest extends FuzzTest {
  private static final Example PLAIN = Examples.named("plain");

  private final PodAdmission admission = new PodAdmission(PLAIN.settings());

  @Override
  protected List<byte[]> seeds() throws IOException {
    List<byte[]> seeds = new ArrayList<>();
    for (Example example : Examples.all()) {
      seeds.add(Examples.JSON.writeValueAsBytes(example.pod()));
    }
    return seeds;
  }

  @Override
  protected List<String> words() {
    return List.of(
        "null",
        "{}",
        "[]",
        "\"\"",
        "true",
        "-1",
        "1e9",
        ",",
        "\"name\":",
        "\"chaperone-gateway\"",
        "\"initContainers\":[{",
        "\"containers\":[{",
        "\"ephemeralContainers\":[{",
        "\"volumes\":[{",
        "\"volumeMounts\":[{",
        "\"securityContext\":{",
        "\"capabilities\":{\"add\":[\"NET_RAW\"]}",
        "\"shareProcessNamespace\":true",
        "\"hostNetwork\":true",
        "\"labels\":{\"app\":\"support-agent\"}",
        "\"restartPolicy\":\"Always\"",
        "\"env\":[{\"name\":\"PGHOST\",\"valueFrom\":{\"secretKeyRef\":{");
  }

  @Override
  protected void fuzz(byte[] input) {
    JsonNode pod;
    try {
      pod = Examples.JSON.readTree(input);
    } catch (IOException e) {
      return;
    }
    if (!pod.isObject()) {
      // The review is refused before.
      return;
    }
    JsonNode before = pod.deepCopy();
    AdmissionAnswer answer = mutate(pod);
    assertThat(pod).isEqualTo(before);
    if (answer instanceof Refused refused) {
      assertThat(refused.reason()).isNotBlank();
      assertThat(validate(pod)).isInstanceOf(Refused.class);
      return;
    }
    JsonNode patched =
        answer instanceof Patched patch ? JsonPatch.apply(patch.patch(), pod.deepCopy()) : pod;
    assertThat(mutate(patched)).isInstanceOf(Allowed.class);
    assertThat(validate(patched)).isInstanceOf(Allowed.class);
  }

  private AdmissionAnswer mutate(JsonNode pod) {
    return admission.mutate(request(pod), PLAIN.connections());
  }

  private AdmissionAnswer validate(JsonNode pod) {
    return admission.validate(request(pod), PLAIN.connections());
  }

  private static AdmissionRequest request(JsonNode pod) {
    return new AdmissionRequest(
        "1",
        Operation.CREATE,
        "pods",
        "",
        Examples.NAMESPACE,
        "",
        new AdmissionRequest.User("alice", "", List.of(), Map.of()),
        pod,
        MissingNode.getInstance(),
        false);
  }
}
