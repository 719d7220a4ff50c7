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
 * The use of one connection by one pod: what it did so far, and where its recording is. Written by
 * the operator; only spec.revoked is for people.
 */
@JsonClassDescription(
    "The use of one connection by one pod: what it did so far, and where its recording is. Written by the operator; only spec.revoked is for people.")
@Group("chaperone.dev")
@Version("v1alpha1")
@Plural("agentsessions")
@Singular("agentsession")
@ShortNames("ags")
@Categories("chaperone")
@AdditionalPrinterColumn(
    name = "Phase",
    jsonPath = ".status.phase",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Pod",
    jsonPath = ".spec.pod",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Connection",
    jsonPath = ".spec.connection",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Allowed",
    jsonPath = ".status.operations.allowed",
    type = AdditionalPrinterColumn.Type.INTEGER)
@AdditionalPrinterColumn(
    name = "Denied",
    jsonPath = ".status.operations.denied",
    type = AdditionalPrinterColumn.Type.INTEGER)
@AdditionalPrinterColumn(
    name = "Revoked",
    jsonPath = ".spec.revoked",
    type = AdditionalPrinterColumn.Type.BOOLEAN,
    priority = 1)
@AdditionalPrinterColumn(
    name = "Age",
    jsonPath = ".metadata.creationTimestamp",
    type = AdditionalPrinterColumn.Type.DATE)
public final class AgentSession extends CustomResource<AgentSessionSpec, AgentSessionStatus>
    implements Namespaced {
  private static final long serialVersionUID = 1L;

  /** For deserialization. */
  public AgentSession() {}

  @Override
  protected AgentSessionSpec initSpec() {
    return null;
  }

  @Override
  protected AgentSessionStatus initStatus() {
    return null;
  }
}
