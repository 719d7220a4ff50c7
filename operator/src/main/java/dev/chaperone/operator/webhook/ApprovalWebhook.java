package dev.chaperone.operator.webhook;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import java.util.List;

/**
 * Fills in who decided where a decision does not say: the one who writes it. Nothing else is
 * touched. What is said is judged by the admission policies, not here.
 */
public final class ApprovalWebhook implements AdmissionHandler {
  @Override
  public AdmissionAnswer answer(AdmissionRequest request) {
    JsonNode decisions = request.object().path("spec").path("decisions");
    if (!request.resource().equals("approvalrequests")
        || !request.subResource().isEmpty()
        || !decisions.isArray()) {
      return AdmissionAnswer.allowed();
    }
    ArrayNode patch = JsonNodeFactory.instance.arrayNode();
    for (int i = 0; i < decisions.size(); i++) {
      // The CRD requires it, so no decision that is stored is without: this one is new.
      if (decisions.get(i).isObject() && !decisions.get(i).hasNonNull("by")) {
        patch
            .addObject()
            .put("op", "add")
            .put("path", "/spec/decisions/" + i + "/by")
            .put("value", request.user().name());
      }
    }
    return patch.isEmpty()
        ? AdmissionAnswer.allowed()
        : new AdmissionAnswer.Patched(patch, List.of());
  }
}
