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

/** One target that agents may reach through a gateway, and how they reach it. */
@JsonClassDescription("One target that agents may reach through a gateway, and how they reach it.")
@Group("chaperone.dev")
@Version("v1alpha1")
@Plural("agentconnections")
@Singular("agentconnection")
@ShortNames("agc")
@Categories("chaperone")
@AdditionalPrinterColumn(
    name = "Protocol",
    jsonPath = ".spec.protocol",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Target",
    jsonPath = ".spec.target.host",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Port",
    jsonPath = ".spec.listen.port",
    type = AdditionalPrinterColumn.Type.INTEGER)
@AdditionalPrinterColumn(
    name = "Suspended",
    jsonPath = ".spec.suspended",
    type = AdditionalPrinterColumn.Type.BOOLEAN)
@AdditionalPrinterColumn(
    name = "Accepted",
    jsonPath = ".status.conditions[?(@.type=='Accepted')].status",
    type = AdditionalPrinterColumn.Type.STRING)
@AdditionalPrinterColumn(
    name = "Sessions",
    jsonPath = ".status.sessions.active",
    type = AdditionalPrinterColumn.Type.INTEGER,
    priority = 1)
@AdditionalPrinterColumn(
    name = "Age",
    jsonPath = ".metadata.creationTimestamp",
    type = AdditionalPrinterColumn.Type.DATE)
public final class AgentConnection
    extends CustomResource<AgentConnectionSpec, AgentConnectionStatus> implements Namespaced {
  private static final long serialVersionUID = 1L;

  /** For deserialization. */
  public AgentConnection() {}

  @Override
  protected AgentConnectionSpec initSpec() {
    return null;
  }

  @Override
  protected AgentConnectionStatus initStatus() {
    return null;
  }
}
