package dev.chaperone.benchmarks.wire;

/** The configuration of the measured gateway: a policy with conditions, as a real one has. */
final class GatewayResources {
  private GatewayResources() {}

  /** What the masking leg has besides. */
  static final String MASKING =
      """
        masking:
          - {columns: ["public.people.name"], with: Partial}
          - {columns: ["public.people.email"], with: Hash}
          - {columns: ["public.people.ssn"], with: FormatPreserving}
          - {columns: ["public.pgbench_accounts.filler"], with: Redact}
          - {detectors: [CreditCard, PrivateKey], with: Redact}
      """;

  /**
   * The YAML of one gateway.
   *
   * @param masking the end of the policy's spec; may be empty
   */
  static String yaml(String database, String user, String password, int port, String masking) {
    return """
    apiVersion: chaperone.dev/v1alpha1
    kind: AgentConnection
    metadata: {name: %1$s, namespace: bench}
    spec:
      protocol: PostgreSQL
      target: {host: bench.example.internal, port: 5432, database: %1$s, tls: {mode: Disable}}
      credentials: {secretRef: {name: bench, usernameKey: username, passwordKey: password}}
      agents: {podSelector: {matchLabels: {app: bench}}}
      listen: {port: %4$d}
      limits: {clientConnections: 1100}
    ---
    apiVersion: chaperone.dev/v1alpha1
    kind: AccessPolicy
    metadata: {name: bench, namespace: bench}
    spec:
      connections: [%1$s]
      subjects: [{kind: ServiceAccount, name: bench}]
      mode: Enforce
      rules:
        - {name: no-schema, effects: [Schema, Privilege], action: Deny, message: "Not here."}
        - {name: history, effects: [Read], resources: ["public.pgbench_history"], when: "operation.sql.hasWhere", action: Allow}
        - {name: reads, effects: [Read], resources: ["public.pgbench_*", "public.people"], action: Allow}
        - {name: sleep, effects: [Execute], resources: ["pg_catalog.pg_sleep()"], action: Allow}
        - name: writes
          effects: [Write]
          action: RequireApproval
          approval: {approvers: {groups: [approvers]}}
    %5$s---
    apiVersion: v1
    kind: Secret
    metadata: {name: bench, namespace: bench}
    stringData: {username: %2$s, password: %3$s}
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: bench, namespace: bench, labels: {app: bench}}
    spec:
      serviceAccountName: bench
      containers: [{name: agent, image: registry.example/agent:1.0}]
    """
        .formatted(database, user, password, port, masking);
  }
}
