package dev.chaperone.operator.program;

import io.fabric8.kubernetes.client.KubernetesClient;
import java.util.List;

/** The two webhook configurations, for a server on the loopback interface and one namespace. */
final class WebhookConfigurations implements AutoCloseable {
  private final KubernetesClient client;
  private final String name;

  /**
   * Makes them, without anybody to believe: the operator fills that in.
   *
   * @param name of both
   * @param guarded a namespace where a pod is refused while the webhooks are away
   * @param other a namespace where it is not
   */
  WebhookConfigurations(
      KubernetesClient client, String name, String guarded, String other, int port) {
    this.client = client;
    this.name = name;
    String server = "https://127.0.0.1:" + port;
    client
        .resource(
            head("Mutating")
                + entry("guarded.pods", guarded, "Fail", server + OperatorServer.MUTATE_PODS)
                + rule("''", "[CREATE]", "[pods]")
                + rule("''", "[UPDATE]", "[pods/ephemeralcontainers]")
                + "  reinvocationPolicy: IfNeeded\n"
                + entry("pods", other, "Ignore", server + OperatorServer.MUTATE_PODS)
                + rule("''", "[CREATE]", "[pods]")
                + "  reinvocationPolicy: IfNeeded\n"
                + entry("approvals", guarded, "Ignore", server + OperatorServer.MUTATE_APPROVALS)
                + rule("chaperone.dev", "[UPDATE]", "[approvalrequests]"))
        .create();
    client
        .resource(
            head("Validating")
                + entry("guarded.pods", guarded, "Fail", server + OperatorServer.VALIDATE_PODS)
                + rule("''", "[CREATE]", "[pods]")
                + rule("''", "[UPDATE]", "[pods, pods/ephemeralcontainers, pods/resize]")
                + entry("pods", other, "Ignore", server + OperatorServer.VALIDATE_PODS)
                + rule("''", "[CREATE]", "[pods]")
                + entry("resources", guarded, "Fail", server + OperatorServer.VALIDATE_RESOURCES)
                + rule(
                    "chaperone.dev",
                    "[CREATE, UPDATE, DELETE]",
                    "[agentconnections, accesspolicies]"))
        .create();
  }

  private String head(String kind) {
    return """
    apiVersion: admissionregistration.k8s.io/v1
    kind: %sWebhookConfiguration
    metadata: {name: %s}
    webhooks:
    """
        .formatted(kind, name);
  }

  private static String entry(String name, String namespace, String failure, String url) {
    return """
    - name: %s.chaperone.dev
      clientConfig: {url: "%s"}
      namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}}
      failurePolicy: %s
      sideEffects: NoneOnDryRun
      admissionReviewVersions: [v1]
      timeoutSeconds: 30
      rules:
    """
        .formatted(name, url, namespace, failure);
  }

  private static String rule(String group, String operations, String resources) {
    return """
      - {apiGroups: [%s], apiVersions: ["*"], operations: %s, resources: %s}
    """
        .formatted(group, operations, resources);
  }

  @Override
  public void close() {
    for (String kind : List.of("mutating", "validating")) {
      client.raw(
          "/apis/admissionregistration.k8s.io/v1/" + kind + "webhookconfigurations/" + name,
          "DELETE",
          null);
    }
  }
}
