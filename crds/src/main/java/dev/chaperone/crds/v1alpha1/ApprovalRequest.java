package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonClassDescription;
import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Categories;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;

/**
 * An operation that waits for a human: what an agent wants to do, who may decide it, and what they
 * decided. Created by the operator.
 */
@JsonClassDescription(
    "An operation that waits for a human: what an agent wants to do, who may decide it, and what they decided. Created by the operator.")
@Group("chaperone.dev")
@Version("v1alpha1")
@Plural("approvalrequests")
@Singular("approvalrequest")
@ShortNames("apreq")
@Categories("chaperone")
@AdditionalPrinterColumn(
    name = "Phase",
    jsonPath = ".status.phase",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Connection",
    jsonPath = ".spec.request.connection",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Requester",
    jsonPath = ".spec.request.requester.username",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Rule",
    jsonPath = ".spec.request.policy.rule",
    type = AdditionalPrinterColumn.Type.STRING)
// As text: kubectl shows a DATE as the time since then, and one to come as <invalid>.
@AdditionalPrinterColumn(
    name = "Expires",
    jsonPath = ".spec.request.expiresAt",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Age",
    jsonPath = ".metadata.creationTimestamp",
    type = AdditionalPrinterColumn.Type.DATE)
public final class ApprovalRequest
    extends CustomResource<ApprovalRequestSpec, ApprovalRequestStatus> implements Namespaced {
  private static final long serialVersionUID = 1L;

  /** For deserialization. */
  public ApprovalRequest() {}

  @Override
  protected ApprovalRequestSpec initSpec() {
    return null;
  }

  @Override
  protected ApprovalRequestStatus initStatus() {
    return null;
  }
}
