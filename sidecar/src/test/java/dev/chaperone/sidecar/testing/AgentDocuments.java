package dev.chaperone.sidecar.testing;

import dev.chaperone.control.channel.Document;
import dev.chaperone.control.resource.Metadata;
import java.util.List;
import java.util.Map;

/** What an operator says of one agent: reads are allowed, writes need approval. */
public final class AgentDocuments {
  private AgentDocuments() {}

  /** All of it. */
  public static List<Document> all(
      int targetPort, int listenPort, int leaseSeconds, boolean suspended) {
    return List.of(pod(), connection(targetPort, listenPort, leaseSeconds, suspended), policy());
  }

  /** The Pod of the agent. */
  public static Document pod() {
    return Document.pod(
        new Metadata("support", "agent-0", "uid-0", 1, Map.of("app", "support-agent")),
        "support-agent");
  }

  private static Document connection(
      int targetPort, int listenPort, int leaseSeconds, boolean suspended) {
    return resource(
        "AgentConnection",
        "orders-db",
        Map.of(
            "protocol",
            "PostgreSQL",
            "target",
            Map.of(
                "host",
                "127.0.0.1",
                "port",
                (long) targetPort,
                "database",
                TestPostgres.DATABASE,
                "tls",
                Map.of("mode", "Disable")),
            "credentials",
            Map.of("secretRef", Map.of("name", "orders-db")),
            "agents",
            Map.of("podSelector", Map.of("matchLabels", Map.of("app", "support-agent"))),
            "listen",
            Map.of("port", (long) listenPort),
            "leaseSeconds",
            (long) leaseSeconds,
            "suspended",
            suspended));
  }

  private static Document policy() {
    return resource(
        "AccessPolicy",
        "support-agents",
        Map.of(
            "connections",
            List.of("orders-db"),
            "subjects",
            List.of(Map.of("kind", "ServiceAccount", "name", "support-agent")),
            "rules",
            List.of(
                Map.of("name", "never", "resources", List.of("public.denied"), "action", "Deny"),
                Map.of("name", "reads", "effects", List.of("Read"), "action", "Allow"),
                Map.of(
                    "name",
                    "writes",
                    "effects",
                    List.of("Write"),
                    "action",
                    "RequireApproval",
                    "approval",
                    Map.of("approvers", Map.of("groups", List.of("dba")))))));
  }

  private static Document resource(String kind, String name, Map<String, Object> spec) {
    return new Document(
        Map.of(
            "apiVersion",
            "chaperone.dev/v1alpha1",
            "kind",
            kind,
            "metadata",
            Map.of("namespace", "support", "name", name, "uid", "uid-" + name, "generation", 3L),
            "spec",
            spec));
  }
}
