package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.ValidationRule;

/** The target, the agents that may reach it, and how the gateway beside them behaves. */
@ValidationRule(
    value = "!(self.protocol in ['PostgreSQL', 'MySQL']) || has(self.target.database)",
    message = "target.database is required for PostgreSQL and MySQL")
@ValidationRule(
    value = "self.protocol in ['PostgreSQL', 'MySQL'] || !has(self.target.database)",
    message = "target.database belongs to PostgreSQL and MySQL only")
public record AgentConnectionSpec(
    @JsonPropertyDescription(
            "What is spoken with the target. This version serves PostgreSQL; connections of the other protocols are refused with a message until they are served.")
        @Required
        Protocol protocol,
    @JsonPropertyDescription("Where the target is and how it is reached.") @Required Target target,
    @JsonPropertyDescription(
            "What the gateway logs in to the target with. The agent never sees it.")
        @Required
        Credentials credentials,
    @JsonPropertyDescription("Which pods of this namespace are the agents of this connection.")
        @Required
        Agents agents,
    @JsonPropertyDescription("Where the gateway listens for the agent, inside the pod.") @Required
        Listen listen,
    @JsonPropertyDescription(
            "The environment variables that point the agent's client at the gateway.")
        @Default("{}")
        Environment environment,
    // The API server holds a default against the CEL rules as it is written here.
    @JsonPropertyDescription("Where the gateway learns who is calling.")
        @Default("{\"source\":\"Workload\"}")
        Identity identity,
    @JsonPropertyDescription("What is remembered of each session, and for how long.") @Default("{}")
        Recording recording,
    @JsonPropertyDescription("Bounds on what one agent may make the gateway hold.") @Default("{}")
        ConnectionLimits limits,
    @JsonPropertyDescription(
            "How long, in seconds, the last configuration stays in force while the gateway cannot reach the operator. After that everything is denied.")
        @Default("300")
        @Min(10)
        @Max(86400)
        Integer leaseSeconds,
    @JsonPropertyDescription(
            "The kill switch: true closes the live client connections of every agent and refuses new ones.")
        @Default("false")
        Boolean suspended) {

  /** The same connection with its kill switch on. */
  public AgentConnectionSpec asSuspended() {
    return new AgentConnectionSpec(
        protocol,
        target,
        credentials,
        agents,
        listen,
        environment,
        identity,
        recording,
        limits,
        leaseSeconds,
        true);
  }
}
