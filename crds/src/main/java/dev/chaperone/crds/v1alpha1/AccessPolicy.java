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

/** Who may do what through which connections: an ordered list of rules, masks and limits. */
@JsonClassDescription(
    "Who may do what through which connections: an ordered list of rules, masks and limits.")
@Group("chaperone.dev")
@Version("v1alpha1")
@Plural("accesspolicies")
@Singular("accesspolicy")
@ShortNames("apol")
@Categories("chaperone")
@AdditionalPrinterColumn(
    name = "Mode",
    jsonPath = ".spec.mode",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Connections",
    jsonPath = ".spec.connections",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Accepted",
    jsonPath = ".status.conditions[?(@.type=='Accepted')].status",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Age",
    jsonPath = ".metadata.creationTimestamp",
    type = AdditionalPrinterColumn.Type.DATE)
public final class AccessPolicy extends CustomResource<AccessPolicySpec, AccessPolicyStatus>
    implements Namespaced {
  private static final long serialVersionUID = 1L;

  /** For deserialization. */
  public AccessPolicy() {}

  @Override
  protected AccessPolicySpec initSpec() {
    return null;
  }

  @Override
  protected AccessPolicyStatus initStatus() {
    return null;
  }
}
