package dev.chaperone.operator.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.chaperone.operator.admission.AdmissionRequest.Operation;
import dev.chaperone.operator.admission.AdmissionReview.Reading.Malformed;
import dev.chaperone.operator.admission.AdmissionReview.Reading.Understood;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AdmissionReviewTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String UID = "705ab4f5-6393-11e8-b7cc-42010a800002";

  /** As an API server sends it. */
  private static final String REVIEW =
      """
      {"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{
        "uid":"705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind":{"group":"","version":"v1","kind":"Pod"},
        "resource":{"group":"","version":"v1","resource":"pods"},
        "requestKind":{"group":"","version":"v1","kind":"Pod"},
        "namespace":"support","operation":"CREATE",
        "userInfo":{"username":"alice","groups":["dev"]},
        "object":{"kind":"Pod","spec":{"future":[1,{"a":null}]}},
        "oldObject":null,"dryRun":true,"options":{"kind":"CreateOptions"},"futureField":1}}
      """;

  private static AdmissionReview.Reading read(String text) {
    return AdmissionReview.read(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void aReviewIsUnderstoodAndItsObjectKeptWhole() {
    AdmissionRequest request = ((Understood) read(REVIEW)).request();
    assertThat(request.uid()).isEqualTo(UID);
    assertThat(request.operation()).isEqualTo(Operation.CREATE);
    assertThat(request.resource()).isEqualTo("pods");
    assertThat(request.subResource()).isEmpty();
    assertThat(request.namespace()).isEqualTo("support");
    assertThat(request.name()).isEmpty();
    assertThat(request.user().name()).isEqualTo("alice");
    assertThat(request.user().groups()).containsExactly("dev");
    assertThat(request.object())
        .hasToString("{\"kind\":\"Pod\",\"spec\":{\"future\":[1,{\"a\":null}]}}");
    assertThat(request.oldObject().isMissingNode()).isTrue();
    assertThat(request.dryRun()).isTrue();
    assertThat(request).hasToString("CREATE pods support/");
  }

  @Test
  void anUpdateOfASubresourceHasBothObjects() {
    AdmissionRequest request =
        ((Understood)
                read(
                    REVIEW
                        .replace("\"CREATE\"", "\"UPDATE\",\"subResource\":\"resize\"")
                        .replace("\"oldObject\":null", "\"name\":\"a\",\"oldObject\":{\"b\":1}")))
            .request();
    assertThat(request.subResource()).isEqualTo("resize");
    assertThat(request.oldObject()).hasToString("{\"b\":1}");
    assertThat(request).hasToString("UPDATE pods/resize support/a");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "admission.k8s.io/v1\" | admission.k8s.io/v1beta1\" | it is not an AdmissionReview of admission.k8s.io/v1",
        "\"AdmissionReview\" | \"Pod\" | it is not an AdmissionReview of admission.k8s.io/v1",
        "\"CREATE\" | \"create\" | request.operation is missing or not known",
        "\"CREATE\" | 1 | request.operation is missing or not known",
        "\"CREATE\" | \"UPDATE\" | request.oldObject is missing",
        "\"namespace\":\"support\" | \"namespace\":1 | request.namespace is not text",
        "\"resource\":\"pods\" | \"resource\":null | request.resource.resource is missing",
        "\"username\":\"alice\" | \"user\":\"alice\" | request.userInfo.username is missing",
        "\"groups\":[\"dev\"] | \"groups\":[1] | request.userInfo is not that of a user",
        "\"object\":{ | \"ob\":{ | request.object is missing",
        "\"oldObject\":null | \"oldObject\":[] | request.object or request.oldObject is not an object"
      })
  void whatIsWrongIsSaidUnderTheUidOfTheRequest(String from, String to, String problem) {
    assertThat(REVIEW).contains(from);
    Malformed malformed = (Malformed) read(REVIEW.replace(from, to));
    assertThat(malformed.uid()).isEqualTo(UID);
    assertThat(malformed.problem()).isEqualTo(problem);
    assertThat(((AdmissionAnswer.Refused) malformed.answer()).message()).endsWith(problem);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | request.uid is missing or not a uid",
        "[] | request.uid is missing or not a uid",
        "{\"request\":{\"uid\":\"a b\"}} | request.uid is missing or not a uid",
        "{\"request\": | it is not JSON: malformed at byte 11",
        "{} {} | it is not JSON: malformed at byte 3",
        "{\"a\":1,\"a\":2} | it is not JSON: two fields of one object have the same name",
        "{\"a\":'secret'} | it is not JSON: malformed at byte 5"
      })
  void whatIsNoReviewIsMalformed(String text, String problem) {
    Malformed malformed = (Malformed) read(text);
    assertThat(malformed.uid()).isEmpty();
    assertThat(malformed.problem()).isEqualTo(problem);
  }

  @Test
  void twoFieldsOfOneNameDeepInThePodAreMalformed() {
    String text = REVIEW.replace("\"future\":", "\"hostPID\":true,\"hostPID\":false,\"future\":");
    assertThat(((Malformed) read(text)).problem()).contains("same name");
  }

  @Test
  void nestingAndSizeAreBounded() {
    String deep = "[".repeat(2_000) + "]".repeat(2_000);
    assertThat(((Malformed) read(REVIEW.replace("[1,", "[" + deep + ","))).problem())
        .isEqualTo("it is not JSON: it is nested deeper than 100");
    byte[] large = new byte[AdmissionReview.MAX_BYTES + 1];
    assertThat(((Malformed) AdmissionReview.read(large)).problem()).contains("larger than");
  }

  @Test
  void bytesOfAnyKindAreReadWithoutAnException() {
    Random random = new Random(20261122);
    byte[] review = REVIEW.getBytes(StandardCharsets.UTF_8);
    int malformed = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = review.clone();
      for (int j = random.nextInt(4); j >= 0; j--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      if (random.nextInt(4) == 0) {
        bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
      }
      if (AdmissionReview.read(bytes) instanceof Malformed) {
        malformed++;
      }
    }
    assertThat(malformed).isBetween(5_000, 19_999);
  }

  private static JsonNode response(AdmissionAnswer answer) throws IOException {
    JsonNode review = JSON.readTree(AdmissionReview.write(UID, answer));
    assertThat(review.path("apiVersion").asText()).isEqualTo("admission.k8s.io/v1");
    assertThat(review.path("kind").asText()).isEqualTo("AdmissionReview");
    assertThat(review.at("/response/uid").asText()).isEqualTo(UID);
    return review.path("response");
  }

  @Test
  void allowedIsAnswered() throws IOException {
    assertThat(response(AdmissionAnswer.allowed()))
        .hasToString("{\"uid\":\"" + UID + "\",\"allowed\":true}");
  }

  @Test
  void aPatchIsAnsweredInBase64() throws IOException {
    ArrayNode patch = JSON.createArrayNode();
    patch.addObject().put("op", "remove").put("path", "/a");
    JsonNode response = response(new AdmissionAnswer.Patched(patch, List.of("mind this")));
    assertThat(response.path("allowed").asBoolean()).isTrue();
    assertThat(response.path("patchType").asText()).isEqualTo("JSONPatch");
    assertThat(JSON.readTree(Base64.getDecoder().decode(response.path("patch").asText())))
        .isEqualTo(patch);
    assertThat(response.path("warnings")).hasToString("[\"mind this\"]");
  }

  @Test
  void aRefusalIsAnsweredWith403AndItsReason() throws IOException {
    JsonNode response = response(AdmissionAnswer.refused("HostPid", "no\nnever"));
    assertThat(response.path("allowed").asBoolean(true)).isFalse();
    assertThat(response.at("/status/code").asInt()).isEqualTo(403);
    assertThat(response.at("/status/reason").asText()).isEqualTo("HostPid");
    assertThat(response.at("/status/message").asText()).isEqualTo("no\nnever");
  }

  @Test
  void answersAreBounded() throws IOException {
    JsonNode refused =
        response(
            new AdmissionAnswer.Refused(
                "X", "m".repeat(100_000), Collections.nCopies(100, "w\n\u001B" + "w".repeat(999))));
    assertThat(refused.at("/status/message").asText()).hasSize(8 * 1024).endsWith("...");
    assertThat(refused.path("warnings")).hasSize(16);
    assertThat(refused.at("/warnings/0").asText())
        .hasSize(256)
        .doesNotContain("\n", "\u001B")
        .endsWith("...");
    String emoji = "\uD83D\uDE00".repeat(5_000);
    assertThat(response(AdmissionAnswer.refused("X", "a" + emoji)).at("/status/message").asText())
        .matches("a(\uD83D\uDE00)+[.]{3}");
  }
}
