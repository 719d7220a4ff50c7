package dev.chaperone.operator.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.TestCluster;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A namespace with people who may do this and that, and the requests and sessions that an operator
 * would have made. No operator runs; its account is impersonated.
 */
final class ApprovalWorld {
  /**
   * May do everything to our resources that RBAC can give, and approve them; one of the approvers.
   */
  static final String JANE = "jane@example.com";

  /** As Jane. */
  static final String JOHN = "john@example.com";

  /** An approver by name and group; RBAC gives everything but the verb approve. */
  static final String MALLORY = "mallory@example.com";

  /** An approver, with nothing but the chart's ClusterRole. */
  static final String NADIA = "nadia@example.com";

  /** May approve as far as RBAC goes, in a group that no request names. */
  static final String GRACE = "grace@example.com";

  /** The end user behind an agent, who could approve what others ask. */
  static final String RITA = "rita@example.com";

  /** Somebody with nothing but the chart's ClusterRole for those who end sessions. */
  static final String OLIVE = "olive@example.com";

  /** The group that requests name as their approvers. */
  static final String DBA = "dba";

  static final String OPERATOR_ACCOUNT = "chaperone-operator";
  static final String AGENT_ACCOUNT = "support-agent";
  static final String PIPELINE_ACCOUNT = "pipeline";

  private static final String EDITOR_RULES =
      """
      - apiGroups: [chaperone.dev]
        resources:
          - agentconnections
          - accesspolicies
          - approvalrequests
          - agentsessions
          - agentconnections/status
          - accesspolicies/status
          - approvalrequests/status
          - agentsessions/status
        verbs: [get, list, watch, create, update, patch, delete, deletecollection]
      """;

  private final TestCluster cluster;
  private final AtomicInteger numbers = new AtomicInteger();

  ApprovalWorld(TestCluster cluster) {
    this.cluster = cluster;
  }

  TestCluster cluster() {
    return cluster;
  }

  /** Makes accounts and bindings. */
  void populate() {
    for (String account : List.of(OPERATOR_ACCOUNT, AGENT_ACCOUNT, PIPELINE_ACCOUNT)) {
      cluster.createServiceAccount(account);
    }
    create("roles", role("edit-everything", EDITOR_RULES));
    create("rolebindings", binding("edit", "Role", "edit-everything", everybody()));
    create(
        "rolebindings",
        binding(
            "approve",
            "ClusterRole",
            "chaperone-approver",
            users(JANE, JOHN, GRACE, RITA, DBA, "jane", "Jane@example.com", NADIA)
                + accounts(AGENT_ACCOUNT, PIPELINE_ACCOUNT)
                + group("crowd")));
    create("rolebindings", binding("revoke", "ClusterRole", "chaperone-revoker", users(OLIVE)));
    create(
        "roles",
        role(
            "approve-sessions",
            "- {apiGroups: [chaperone.dev], resources: [agentsessions], verbs: [approve]}\n"
                + "- {apiGroups: [chaperone.dev], resources: [approvalrequests],"
                + " resourceNames: [another], verbs: [approve]}\n"
                + "- {apiGroups: [chaperone.dev], resources: [approvalrequests/status],"
                + " verbs: [approve]}\n"));
    create("rolebindings", binding("approve-other", "Role", "approve-sessions", users(MALLORY)));
  }

  private static String everybody() {
    return users(JANE, JOHN, MALLORY, GRACE, RITA, DBA, "jane", "Jane@example.com")
        + accounts(OPERATOR_ACCOUNT, AGENT_ACCOUNT, PIPELINE_ACCOUNT)
        + group("crowd");
  }

  private static String users(String... names) {
    StringBuilder text = new StringBuilder();
    for (String name : names) {
      text.append("- {apiGroup: rbac.authorization.k8s.io, kind: User, name: ")
          .append(name)
          .append("}\n");
    }
    return text.toString();
  }

  private static String accounts(String... names) {
    StringBuilder text = new StringBuilder();
    for (String name : names) {
      text.append("- {kind: ServiceAccount, name: ").append(name).append("}\n");
    }
    return text.toString();
  }

  private static String group(String name) {
    return "- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: " + name + "}\n";
  }

  private static String role(String name, String rules) {
    return """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: %s}
        rules:
        %s"""
        .formatted(name, rules);
  }

  private String binding(String name, String kind, String role, String subjects) {
    return """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: %s}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}
        subjects:
        %s"""
        .formatted(
            name,
            kind,
            role,
            subjects.replace(
                "kind: ServiceAccount,",
                "kind: ServiceAccount, namespace: " + cluster.namespace() + ","));
  }

  private void create(String plural, String yaml) {
    Answer answer =
        cluster
            .api()
            .create(
                "/apis/rbac.authorization.k8s.io/v1/namespaces/"
                    + cluster.namespace()
                    + "/"
                    + plural,
                yaml);
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  // People.

  Api operator() {
    return cluster.apiAs(operatorName());
  }

  String operatorName() {
    return cluster.serviceAccount(OPERATOR_ACCOUNT);
  }

  /** Somebody of the approvers' group. */
  Api dba(String user) {
    return cluster.apiAs(user, DBA);
  }

  // Resources.

  String requests() {
    return path("approvalrequests");
  }

  String sessions() {
    return path("agentsessions");
  }

  String path(String plural) {
    return "/apis/chaperone.dev/v1alpha1/namespaces/" + cluster.namespace() + "/" + plural;
  }

  /** What a request begins as; changed before it is opened. */
  final class Draft {
    private String approvers = "{groups: [" + DBA + "], count: 2}";
    private String requester;
    private Optional<String> phase = Optional.of("Pending");

    Draft() {
      requester = cluster.serviceAccount(AGENT_ACCOUNT);
    }

    Draft approvers(String yaml) {
      approvers = yaml;
      return this;
    }

    Draft requester(String user) {
      requester = user;
      return this;
    }

    Draft withoutStatus() {
      phase = Optional.empty();
      return this;
    }

    String yaml(String name) {
      return """
          apiVersion: chaperone.dev/v1alpha1
          kind: ApprovalRequest
          metadata:
            name: %s
            labels: {chaperone.dev/session: support-agent-1}
            annotations: {chaperone.dev/rule: other-writes}
          spec:
            request:
              session: support-agent-1
              connection: orders-db
              requester:
                username: %s
                groups: [agents]
                serviceAccount: support-agent
                pod: support-agent-1
                podUid: 0b5cf7a1-4a9b-4d8d-9d3b-0a6f3a0e7b11
              operation:
                protocol: PostgreSQL
                accesses: [{effect: Write, command: DELETE, resource: public.orders}]
                text: DELETE FROM orders WHERE id = $1
                parameters: [{type: int8, value: "7", masked: false}]
                digest: sha256:%s
              policy: {name: support-agents, rule: other-writes, uid: p-1, generation: 3}
              approvers: %s
              expiresAt: "2030-01-01T00:00:00Z"
          """
          .formatted(name, requester, "0".repeat(64), approvers);
    }

    /** Has the operator create it. */
    Opened open() {
      String name = "request-" + numbers.incrementAndGet();
      Answer created = operator().create(requests(), yaml(name));
      assertThat(created.accepted()).as(created.toString()).isTrue();
      Opened opened = new Opened(name);
      phase.ifPresent(opened::phase);
      return opened;
    }
  }

  Draft draft() {
    return new Draft();
  }

  /** A request that the API server has. */
  final class Opened {
    private final String name;

    Opened(String name) {
      this.name = name;
    }

    String name() {
      return name;
    }

    String path() {
      return requests() + "/" + name;
    }

    JsonNode read() {
      return cluster.api().get(path()).body();
    }

    /** Has the operator find a phase. */
    Opened phase(String phase) {
      return status("{\"phase\":\"" + phase + "\"}");
    }

    /** Has the operator say something in the status. */
    Opened status(String json) {
      Answer answer =
          operator().patch(path() + "/status", Api.MERGE_PATCH, "{\"status\":" + json + "}");
      assertThat(answer.accepted()).as(answer.toString()).isTrue();
      return this;
    }

    /** Has somebody of the approvers' group decide. */
    Opened decided(String user, String verdict) {
      Answer answer = dba(user).patch(path(), Api.JSON_PATCH, add(user, verdict));
      assertThat(answer.accepted()).as(answer.toString()).isTrue();
      return this;
    }

    /** A patch for server-side apply. */
    String apply(String decisions) {
      return """
          apiVersion: chaperone.dev/v1alpha1
          kind: ApprovalRequest
          metadata: {name: %s}
          spec: {decisions: %s}
          """
          .formatted(name, decisions);
    }

    String applyPath(String manager) {
      return path() + "?fieldManager=" + manager + "&force=true";
    }
  }

  /** A JSON patch that adds a decision. */
  static String add(String by, String verdict) {
    return """
        [{"op":"add","path":"/spec/decisions/-","value":%s}]"""
        .formatted(decision(by, verdict));
  }

  /** A decision as JSON, which is YAML. */
  static String decision(String by, String verdict) {
    return """
        {"by":"%s","verdict":"%s"}"""
        .formatted(by, verdict);
  }

  /** A merge patch that sets the list of decisions. */
  static String merge(String... decisions) {
    return "{\"spec\":{\"decisions\":[" + String.join(",", decisions) + "]}}";
  }

  String sessionYaml(String name) {
    return """
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentSession
        metadata:
          name: %s
          labels: {chaperone.dev/connection: orders-db}
        spec:
          pod: support-agent-1
          podUid: 0b5cf7a1-4a9b-4d8d-9d3b-0a6f3a0e7b11
          connection: orders-db
          identity: {serviceAccount: support-agent, user: rita@example.com, groups: [agents]}
          startedAt: "2026-01-01T00:00:00Z"
        """
        .formatted(name);
  }

  /** Has the operator create a session. Returns its path. */
  String openSession() {
    String name = "session-" + numbers.incrementAndGet();
    Answer created = operator().create(sessions(), sessionYaml(name));
    assertThat(created.accepted()).as(created.toString()).isTrue();
    return sessions() + "/" + name;
  }
}
