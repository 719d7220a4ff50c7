package dev.chaperone.operator.injection;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.operator.injection.Examples.Example;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Both webhooks asked by a real API server, with its admission plugins, defaults and validation. It
 * asks at 127.0.0.1 and has to be on this machine.
 */
@UsesTestCluster(onThisMachine = true)
class InjectionIT {
  private static final String PODS = "/api/v1/namespaces/" + Examples.NAMESPACE + "/pods";
  private static final Example PLAIN = Examples.named("plain");

  private static KubernetesClient client;
  private static WebhookServer webhooks;

  @BeforeAll
  static void register(TestCluster cluster) throws IOException, InterruptedException {
    client = cluster.client();
    remove();
    webhooks = new WebhookServer(client, cluster.namespace(), "injection-test");
    awaitEndOfNamespace();
    post(
        "/api/v1/namespaces",
        """
        {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"support","labels":{"injection-test":"true"}}}
        """);
    post(
        "/api/v1/namespaces/support/serviceaccounts",
        """
        {"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"agent"}}
        """);
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .ignoreExceptions()
        .until(() -> get("/api/v1/namespaces/support/serviceaccounts/default").has("metadata"));
    // With what a cluster adds to containers on its own.
    post(
        "/api/v1/namespaces/support/limitranges",
        """
        {"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"defaults"},"spec":{"limits":[
          {"type":"Container","default":{"cpu":"1500m","ephemeral-storage":"1024Mi"},
           "defaultRequest":{"cpu":"10m"}}]}}
        """);
    configure("Mutating", "injection-test", "/mutate");
    configure("Validating", "injection-test", "/validate");
    // Called after ours, by its name.
    configure("Mutating", "mesh-injection-test", "/mesh");
    webhooks.decideBy(PLAIN.settings(), PLAIN.connections());
    // A configuration takes effect a little later.
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(
            () ->
                refusal(Examples.named("refused-host-pid").pod())
                    .contains("Chaperone refuses this pod"));
  }

  /** An earlier run has asked for it, and it takes its time. */
  private static void awaitEndOfNamespace() {
    Awaitility.await()
        .atMost(Duration.ofMinutes(2))
        .until(
            () -> {
              var namespace = client.namespaces().withName(Examples.NAMESPACE).get();
              if (namespace != null) {
                assertThat(namespace.getMetadata().getLabels())
                    .as("namespace %s is none of this test's", Examples.NAMESPACE)
                    .containsEntry("injection-test", "true");
              }
              return namespace == null;
            });
  }

  private static void configure(String kind, String name, String path) {
    ObjectNode configuration = Examples.JSON.createObjectNode();
    configuration
        .put("apiVersion", "admissionregistration.k8s.io/v1")
        .put("kind", kind + "WebhookConfiguration")
        .putObject("metadata")
        .put("name", name);
    ObjectNode webhook = configuration.putArray("webhooks").addObject();
    webhook.put("name", "pods.chaperone.dev").put("sideEffects", "None");
    webhook.putArray("admissionReviewVersions").add("v1");
    ObjectNode server = webhook.putObject("clientConfig").put("url", webhooks.url(path));
    if (path.equals("/mesh")) {
      // Into ours it is filled in by the operator.
      server.put("caBundle", webhooks.authority());
    }
    webhook.putObject("namespaceSelector").putObject("matchLabels").put("injection-test", "true");
    ArrayNode rules = webhook.putArray("rules");
    rule(rules, "CREATE", "pods");
    if (path.equals("/mutate")) {
      webhook.put("reinvocationPolicy", "IfNeeded");
      rule(rules, "UPDATE", "pods/ephemeralcontainers");
    } else if (path.equals("/validate")) {
      rule(rules, "UPDATE", "pods", "pods/ephemeralcontainers", "pods/resize");
    }
    String plural = kind.toLowerCase(Locale.ROOT) + "webhookconfigurations";
    post("/apis/admissionregistration.k8s.io/v1/" + plural, configuration.toString());
  }

  private static void rule(ArrayNode rules, String operation, String... resources) {
    ObjectNode rule = rules.addObject();
    rule.putArray("operations").add(operation);
    rule.putArray("apiGroups").add("");
    rule.putArray("apiVersions").add("v1");
    ArrayNode list = rule.putArray("resources");
    List.of(resources).forEach(list::add);
  }

  private static void remove() {
    for (String uri :
        List.of(
            "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/mesh-injection-test",
            "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/injection-test",
            "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/injection-test")) {
      try {
        client.raw(uri, "DELETE", null);
      } catch (KubernetesClientException e) {
        assertThat(e.getCode()).isEqualTo(404);
      }
    }
  }

  @AfterAll
  static void unregister() {
    if (webhooks != null) {
      remove();
      client.namespaces().withName(Examples.NAMESPACE).delete();
      webhooks.close();
    }
  }

  @BeforeEach
  void connections() {
    webhooks.decideBy(PLAIN.settings(), PLAIN.connections());
  }

  private static JsonNode json(String text) {
    try {
      return Examples.JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static JsonNode get(String uri) {
    return json(client.raw(uri, "GET", null));
  }

  private static JsonNode post(String uri, String body) {
    return json(client.raw(uri, "POST", body));
  }

  private static JsonNode create(JsonNode pod, boolean stored) {
    ObjectNode named = pod.deepCopy();
    named.put("apiVersion", "v1").put("kind", "Pod");
    return post(PODS + (stored ? "" : "?dryRun=All"), named.toString());
  }

  private static String refusal(JsonNode pod) {
    try {
      create(pod, false);
      return "";
    } catch (KubernetesClientException e) {
      return e.getMessage();
    }
  }

  private static ObjectNode named(String name) {
    ObjectNode pod = PLAIN.pod().deepCopy();
    ((ObjectNode) pod.path("metadata")).put("name", name);
    return pod;
  }

  @TestFactory
  Stream<DynamicTest> everyPodThatIsAcceptedIsAcceptedByTheApiServerToo() {
    return Examples.all().stream()
        .filter(example -> !example.refused())
        .map(
            example ->
                DynamicTest.dynamicTest(
                    example.toString(),
                    () -> {
                      webhooks.decideBy(example.settings(), example.connections());
                      assertAccepted(example);
                    }));
  }

  private static void assertAccepted(Example example) {
    JsonNode stored = create(example.pod(), false);
    boolean agent = example.decide().label().isPresent();
    assertThat(stored.at("/spec/initContainers/0/name").asText())
        .isEqualTo(agent ? "chaperone" : "");
    if (agent) {
      assertGatewayHasNoApiToken(stored);
    }
  }

  private static void assertGatewayHasNoApiToken(JsonNode stored) {
    Set<String> mounted = new TreeSet<>();
    stored
        .at("/spec/initContainers/0/volumeMounts")
        .forEach(mount -> mounted.add(mount.path("name").asText()));
    assertThat(mounted).containsExactlyInAnyOrderElementsOf(GatewayNames.VOLUMES);
    assertThat(stored.at("/spec/containers/0/volumeMounts"))
        .as("the agent has the token that Kubernetes gives every container")
        .anyMatch(mount -> mount.path("name").asText().startsWith("kube-api-access-"));
  }

  @TestFactory
  Stream<DynamicTest> everyPodThatIsRefusedIsRefusedByTheApiServer() {
    return Examples.all().stream()
        .filter(Example::refused)
        .map(
            example ->
                DynamicTest.dynamicTest(
                    example.toString(),
                    () -> {
                      webhooks.decideBy(example.settings(), example.connections());
                      assertThat(refusal(example.pod())).isNotEmpty();
                    }));
  }

  @Test
  void aStoredPodIsWhatTheFinalCheckExpects() {
    JsonNode stored = create(named("stored"), true);
    assertThat(PLAIN.check(stored)).isEmpty();
    JsonNode limits = stored.at("/spec/initContainers/0/resources/limits");
    assertThat(limits.path("cpu").asText()).as("from the LimitRange").isEqualTo("1500m");
  }

  @Test
  void whatAnotherWebhookAddsAfterwardsIsPreparedWhenTheApiServerAsksAgain() {
    ObjectNode pod = named("meshed");
    ((ObjectNode) pod.path("metadata")).putObject("annotations").put("mesh", "yes");
    JsonNode stored = create(pod, false);
    assertThat(stored.at("/spec/initContainers"))
        .extracting(container -> container.path("name").asText())
        .containsExactly("chaperone", "mesh-init");
    assertThat(stored.at("/spec/containers/1/name").asText()).isEqualTo("mesh");
    assertThat(stored.at("/spec/containers/1/securityContext/capabilities/drop/0").asText())
        .isEqualTo("NET_RAW");
  }

  @Test
  void aPodWithAGatewayCanBeLabelledAndDebugged() {
    create(named("updated"), true);
    ObjectNode pod = get(PODS + "/updated").deepCopy();
    ((ObjectNode) pod.at("/metadata/labels")).put("other", "label");
    JsonNode updated = json(client.raw(PODS + "/updated", "PUT", pod.toString()));
    assertThat(updated.at("/metadata/labels/other").asText()).isEqualTo("label");
    ObjectNode debugged = updated.deepCopy();
    ObjectNode container =
        ((ObjectNode) debugged.path("spec")).putArray("ephemeralContainers").addObject();
    container.put("name", "debug").put("image", "busybox").put("targetContainerName", "agent");
    JsonNode result =
        json(client.raw(PODS + "/updated/ephemeralcontainers", "PUT", debugged.toString()));
    assertThat(
            result.at("/spec/ephemeralContainers/0/securityContext/capabilities/drop/0").asText())
        .isEqualTo("NET_RAW");
    ObjectNode again = result.deepCopy();
    ((ArrayNode) again.at("/spec/ephemeralContainers"))
        .addObject()
        .put("name", "debug-2")
        .put("image", "busybox")
        .put("targetContainerName", "chaperone");
    assertThat(put("/updated/ephemeralcontainers", again))
        .contains("would share the gateway's process namespace");
  }

  @Test
  void theGatewayOfAStoredPodCannotBeChanged() {
    ObjectNode pod = create(named("changed"), true).deepCopy();
    ((ObjectNode) pod.at("/spec/initContainers/0")).put("image", "evil.example/sidecar");
    assertThat(put("/changed", pod)).contains("spec.initContainers[0].image: is the gateway's");
    ObjectNode resized = get(PODS + "/changed").deepCopy();
    ((ObjectNode) resized.at("/spec/initContainers/0/resources/limits")).put("memory", "300Mi");
    assertThat(put("/changed/resize", resized))
        .contains("spec.initContainers[0].resources.limits.memory: is the gateway's");
  }

  private static String put(String pod, JsonNode body) {
    try {
      client.raw(PODS + pod, "PUT", body.toString());
      return "";
    } catch (KubernetesClientException e) {
      return e.getMessage();
    }
  }

  @Test
  void anUpdateOfAPodThatIsOlderThanItsConnectionIsAllowed() {
    webhooks.decideBy(PLAIN.settings(), List.of());
    ObjectNode pod = create(named("older"), true).deepCopy();
    webhooks.decideBy(PLAIN.settings(), PLAIN.connections());
    ((ObjectNode) pod.at("/metadata/labels")).put("other", "label");
    assertThat(put("/older", pod)).isEmpty();
  }

  /** A newer API server with a field that the search does not know makes this fail. */
  @Test
  void theApiHasNoOtherFieldThatNamesASecret() {
    JsonNode schemas = get("/openapi/v3/api/v1").at("/components/schemas");
    Set<String> named = new TreeSet<>();
    Set<String> described = new TreeSet<>();
    collect(schemas, schemas.path(CORE + "PodSpec"), "", "", new HashSet<>(), named, described);
    named.removeIf(
        path ->
            path.endsWith(".key") || path.endsWith(".path") || path.endsWith("cephfs.secretFile"));
    assertThat(named).isEqualTo(new TreeSet<>(SecretFields.KNOWN));
    // They speak of Secrets and name none.
    assertThat(described)
        .containsExactly("securityContext.fsGroupChangePolicy", "volumes[].image.reference");
  }

  private static final String CORE = "io.k8s.api.core.v1.";

  /** All text with the word Secret, in the path, or else in the description. */
  private static void collect(
      JsonNode schemas,
      JsonNode schema,
      String path,
      String description,
      Set<String> above,
      Set<String> named,
      Set<String> described) {
    String says = schema.path("description").asText(description);
    JsonNode reference = schema.has("allOf") ? schema.at("/allOf/0/$ref") : schema.path("$ref");
    if (reference.isTextual()) {
      String name = reference.asText().substring(reference.asText().lastIndexOf('/') + 1);
      if (above.add(name)) {
        collect(schemas, schemas.path(name), path, says, above, named, described);
        above.remove(name);
      }
    } else if (schema.has("items")) {
      collect(schemas, schema.path("items"), path + "[]", says, above, named, described);
    } else if (schema.path("type").asText().equals("string")) {
      if (path.toLowerCase(Locale.ROOT).contains("secret")) {
        named.add(path);
      } else if (says.toLowerCase(Locale.ROOT).contains("secret")) {
        described.add(path);
      }
    }
    for (Map.Entry<String, JsonNode> property : schema.path("properties").properties()) {
      String below = path.isEmpty() ? property.getKey() : path + "." + property.getKey();
      collect(schemas, property.getValue(), below, "", above, named, described);
    }
  }
}
