package dev.chaperone.operator.webhook;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionAnswer.Patched;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.admission.AdmissionRequest.Operation;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ApprovalWebhookTest {
  private static AdmissionAnswer answer(String resource, String spec) throws IOException {
    JsonNode object = new ObjectMapper().readTree("{\"spec\":" + spec + "}");
    return new ApprovalWebhook()
        .answer(
            new AdmissionRequest(
                "1",
                Operation.UPDATE,
                resource,
                "",
                "support",
                "request",
                new AdmissionRequest.User("jane", "", List.of(), Map.of()),
                object,
                MissingNode.getInstance(),
                false));
  }

  private static AdmissionAnswer answer(String decisions) throws IOException {
    return answer("approvalrequests", "{\"decisions\":" + decisions + "}");
  }

  @Test
  void aDecisionThatDoesNotSayWhoIsOfWhoWritesIt() throws Exception {
    Patched patched =
        (Patched)
            answer(
                "[{\"by\":\"bob\",\"verdict\":\"Approve\"},{\"verdict\":\"Deny\"},"
                    + "{\"by\":null,\"verdict\":\"Deny\"}]");
    assertThat(patched.patch())
        .hasToString(
            "[{\"op\":\"add\",\"path\":\"/spec/decisions/1/by\",\"value\":\"jane\"},"
                + "{\"op\":\"add\",\"path\":\"/spec/decisions/2/by\",\"value\":\"jane\"}]");
  }

  @Test
  void whatSaysWhoIsLeftForThePoliciesToJudge() throws Exception {
    assertThat(answer("[{\"by\":\"bob\",\"verdict\":\"Approve\"},{\"by\":\"\"},{\"by\":7}]"))
        .isEqualTo(AdmissionAnswer.allowed());
  }

  @Test
  void whatHasNoFormIsLeftForTheSchema() throws Exception {
    assertThat(answer("{}")).isEqualTo(AdmissionAnswer.allowed());
    assertThat(answer("[1,null,\"x\",[]]")).isEqualTo(AdmissionAnswer.allowed());
    assertThat(answer("approvalrequests", "{}")).isEqualTo(AdmissionAnswer.allowed());
  }

  @Test
  void otherResourcesAreLeftAlone() throws Exception {
    assertThat(answer("agentsessions", "{\"decisions\":[{}]}"))
        .isEqualTo(AdmissionAnswer.allowed());
  }
}
