package dev.chaperone.operator.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.operator.admission.AdmissionRequest.Operation;
import dev.chaperone.operator.admission.AdmissionReview.Reading;
import dev.chaperone.policy.testing.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Reviews of whoever reaches the port, and objects that users wrote: what cannot be understood is
 * refused, and the answer is one that the API server can read.
 */
class AdmissionReviewFuzzTest extends FuzzTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  protected List<byte[]> seeds() {
    return texts(
        """
        {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{
        "uid":"705ab4f5-6393-11e8-b7cc-42010a800002","operation":"CREATE",
        "resource":{"group":"","version":"v1","resource":"pods"},"subResource":null,
        "namespace":"support","name":"agent-0","dryRun":false,
        "userInfo":{"username":"jane","uid":"1","groups":["dba"],"extra":{"k":["v"]}},
        "object":{"metadata":{"name":"agent-0"},"spec":{"containers":[]}}}}\
        """,
        """
        {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1",
        "operation":"UPDATE","resource":{"resource":"approvalrequests"},"subResource":"status",
        "userInfo":{"username":"x"},"object":{"a":"\\u0000\\ud800"},"oldObject":{"a":1}}}\
        """);
  }

  @Override
  protected List<String> words() {
    return List.of(
        "\"request\":",
        "\"uid\":",
        "\"object\":",
        "\"oldObject\":",
        "\"userInfo\":",
        "\"extra\":",
        "\"groups\":",
        "\"operation\":\"DELETE\"",
        "\"CONNECT\"",
        "null",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "1e999999999",
        "NaN",
        "true");
  }

  @Override
  protected void fuzz(byte[] input) throws IOException {
    Reading reading = AdmissionReview.read(input);
    String uid;
    AdmissionAnswer answer;
    if (reading instanceof Reading.Understood understood) {
      AdmissionRequest request = understood.request();
      uid = request.uid();
      answer =
          AdmissionAnswer.refused(
              "Test", request + " of " + request.user() + ": " + request.object());
      if (request.operation() == Operation.CREATE || request.operation() == Operation.UPDATE) {
        assertThat(request.object().isObject()).isTrue();
      }
    } else {
      Reading.Malformed malformed = (Reading.Malformed) reading;
      uid = malformed.uid();
      answer = malformed.answer();
      assertThat(malformed.problem()).isNotBlank();
    }
    byte[] written = AdmissionReview.write(uid, answer);
    // No text that is half a character, which the API server would not take.
    assertThat(new String(written, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8))
        .isEqualTo(written);
    JsonNode response = JSON.readTree(written).path("response");
    assertThat(response.path("uid").asText()).isEqualTo(uid);
    assertThat(response.path("allowed").asBoolean(true)).isFalse();
  }
}
