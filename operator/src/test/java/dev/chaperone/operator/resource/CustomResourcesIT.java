package dev.chaperone.operator.resource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.control.resource.Resource;
import dev.chaperone.control.resource.ResourceDirectory;
import dev.chaperone.control.resource.ResourceSet;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.Output;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * The CRDs on a real API server: what it refuses is what the gateway refuses when it reads the same
 * file, and what it fills in is what the gateway fills in.
 */
@UsesTestCluster
class CustomResourcesIT {
  private static final Path FILES = Path.of("../control/src/test/resources/resources");
  private static final Path EXAMPLES = Path.of("../examples");
  private static final String TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

  /**
   * Files of {@code invalid} that a CRD cannot judge, because it takes several resources, the words
   * of a protocol, a CEL compiler, a look into a Secret, or what this version cannot do yet; and
   * two with a YAML tag, which the API server passes over: a password that begins with ! becomes
   * the empty one.
   */
  private static final Set<String> ONLY_WE_REFUSE =
      Set.of(
          "invalid-command-effect.yaml",
          "invalid-command-unknown.yaml",
          "invalid-connection-twice.yaml",
          "invalid-connection-unknown.yaml",
          "invalid-identity-unavailable.yaml",
          "invalid-limit-too-large.yaml",
          "invalid-masking-column.yaml",
          "invalid-no-pod.yaml",
          "invalid-port-twice.yaml",
          "invalid-protocol-unavailable.yaml",
          "invalid-resource-without-schema.yaml",
          "invalid-rule-shadowed.yaml",
          "invalid-rule-under-deny.yaml",
          "invalid-secret-empty-value.yaml",
          "invalid-secret-key-missing.yaml",
          "invalid-secret-looks-like-tag.yaml",
          "invalid-secret-missing.yaml",
          "invalid-statement-larger-than-message.yaml",
          "invalid-tag.yaml",
          "invalid-tls-authorities.yaml",
          "invalid-tls-encrypted-key.yaml",
          "invalid-two-pods.yaml",
          "invalid-when-false.yaml",
          "invalid-when-not-boolean.yaml",
          "invalid-when-syntax.yaml",
          "invalid-when-unknown-field.yaml");

  private static final Pattern DOCUMENT_END = Pattern.compile("(?m)^---\\s*$");
  private static final Pattern NAMESPACE = Pattern.compile("(?m)^(  namespace: ).*$");
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final TestCluster cluster;
  private final Map<String, String> plurals = new HashMap<>();

  @TempDir private Path directory;

  CustomResourcesIT(TestCluster cluster) {
    this.cluster = cluster;
    JsonNode ours = cluster.api().get("/apis/chaperone.dev/v1alpha1").body();
    for (JsonNode resource : ours.path("resources")) {
      plurals.putIfAbsent(resource.path("kind").textValue(), resource.path("name").textValue());
    }
    plurals.putAll(Map.of("Secret", "secrets", "Pod", "pods", "Namespace", "namespaces"));
  }

  @BeforeAll
  static void apply(TestCluster cluster) {
    cluster.applyCustomResourceDefinitions();
    cluster.createServiceAccount("support-agent");
  }

  @TestFactory
  Stream<DynamicTest> whatWeAcceptTheApiServerAccepts() throws IOException {
    return files("valid").stream()
        .map(file -> DynamicTest.dynamicTest(name(file), () -> valid(file)));
  }

  private void valid(Path file) throws Exception {
    List<Answer> answers = dryRun(file);
    assertThat(answers).allMatch(Answer::accepted);
    ResourceSet ours = read(file);
    assertThat(specs(answers, "AgentConnection", ours.connections()))
        .as("connections with the API server's defaults")
        .isEqualTo(specs(ours.connections()));
    assertThat(specs(answers, "AccessPolicy", ours.policies()))
        .as("policies with the API server's defaults")
        .isEqualTo(specs(ours.policies()));
  }

  @TestFactory
  Stream<DynamicTest> whatWeRefuseTheApiServerRefuses() throws IOException {
    List<Path> files = files("invalid");
    assertThat(names(files)).containsAll(ONLY_WE_REFUSE);
    return files.stream()
        .filter(file -> !ONLY_WE_REFUSE.contains(name(file)))
        .map(
            file ->
                DynamicTest.dynamicTest(
                    name(file),
                    () -> assertThat(dryRun(file)).anyMatch(CustomResourcesIT::isInvalid)));
  }

  @TestFactory
  Stream<DynamicTest> whatOnlyWeCanJudgeTheApiServerAccepts() {
    return ONLY_WE_REFUSE.stream()
        .sorted()
        .map(
            name ->
                DynamicTest.dynamicTest(
                    name,
                    () ->
                        assertThat(dryRun(FILES.resolve("invalid").resolve(name)))
                            .allMatch(Answer::accepted)));
  }

  /**
   * As users apply them; in namespaces of their own, because other tests have some of those names.
   */
  @TestFactory
  Stream<DynamicTest> everyExampleIsAppliedWithItsNamespaceAndAppliedAgainWithoutChange()
      throws IOException {
    List<Path> examples;
    try (Stream<Path> folders = Files.list(EXAMPLES)) {
      examples = folders.filter(one -> Files.exists(one.resolve("policy.yaml"))).sorted().toList();
    }
    assertThat(examples).hasSizeGreaterThanOrEqualTo(5);
    return examples.stream()
        .map(example -> DynamicTest.dynamicTest(name(example), () -> applyTwice(example)));
  }

  private void applyTwice(Path example) throws IOException {
    String own = field(Files.readString(example.resolve("00-namespace.yaml")), "  name", "");
    String namespace = cluster.namespace() + "-" + name(example);
    Path copy = Files.createDirectory(directory.resolve(name(example)));
    long documents = 0;
    try (Stream<Path> files = Files.list(example)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".yaml")).toList()) {
        String text = Files.readString(file);
        documents += text.lines().filter(line -> line.startsWith("kind: ")).count();
        Files.writeString(
            copy.resolve(name(file)),
            text.replace("  namespace: " + own + "\n", "  namespace: " + namespace + "\n")
                .replaceFirst(
                    "(kind: Namespace\nmetadata:\n  name: )" + own + "\n",
                    "$1" + namespace + "\n"));
      }
    }
    for (int i = 1; i <= 2; i++) {
      Output applied = cluster.kubectl("apply", "--namespace=", "-f", copy.toString());
      assertThat(applied.exit()).as(applied.toString()).isZero();
      assertThat(applied.out().lines()).hasSize((int) documents);
      for (String plural : List.of("agentconnections", "accesspolicies")) {
        JsonNode items =
            cluster
                .api()
                .get("/apis/chaperone.dev/v1alpha1/namespaces/" + namespace + "/" + plural)
                .body()
                .path("items");
        assertThat(items).isNotEmpty();
        for (JsonNode item : items) {
          assertThat(item.at("/metadata/generation").asInt())
              .as("applied again, %s does not change", item.at("/metadata/name"))
              .isEqualTo(1);
        }
      }
    }
    Output deleted = cluster.kubectl("delete", "namespace", namespace, "--wait=false");
    assertThat(deleted.exit()).as(deleted.toString()).isZero();
  }

  @Test
  void everyFieldIsExplained() {
    awaitPublished();
    List<String> unexplained = new ArrayList<>();
    Set<String> kinds = new TreeSet<>();
    for (JsonNode schema : publishedSchemas()) {
      for (JsonNode kind : schema.path("x-kubernetes-group-version-kind")) {
        String name = kind.path("kind").textValue();
        if (kind.path("group").textValue().equals("chaperone.dev") && !name.endsWith("List")) {
          kinds.add(name);
          assertThat(schema.path("description").asText()).as(name).isNotEmpty();
          findUnexplained(schema, name, unexplained);
        }
      }
    }
    assertThat(kinds)
        .containsExactly("AccessPolicy", "AgentConnection", "AgentSession", "ApprovalRequest");
    assertThat(unexplained).isEmpty();
  }

  /** The API server publishes what it serves a moment after it serves it. */
  private void awaitPublished() {
    await()
        .atMost(Duration.ofMinutes(1))
        .untilAsserted(
            () ->
                assertThat(publishedSchemas().toString())
                    .contains(
                        "AccessPolicy", "AgentConnection", "AgentSession", "ApprovalRequest"));
  }

  private JsonNode publishedSchemas() {
    Answer answer = cluster.api().get("/openapi/v3/apis/chaperone.dev/v1alpha1");
    return answer.body().path("components").path("schemas");
  }

  private static void findUnexplained(JsonNode schema, String path, List<String> unexplained) {
    schema
        .path("properties")
        .properties()
        .forEach(
            property -> {
              String below = path + "." + property.getKey();
              if (property.getValue().path("description").asText().isEmpty()) {
                unexplained.add(below);
              }
              findUnexplained(property.getValue(), below, unexplained);
            });
    if (schema.has("items")) {
      findUnexplained(schema.path("items"), path, unexplained);
    }
  }

  @Test
  void kubectlExplainsAField() {
    awaitPublished();
    Output output = cluster.kubectl("explain", "agentconnections.spec.target.tls.mode");
    assertThat(output.out()).contains("VerifyFull: the certificate must be valid");
  }

  @Test
  void tablesHaveTheColumnsOfTheCrds() {
    assertThat(columns("agentconnections"))
        .containsExactly(
            "Name", "Protocol", "Target", "Port", "Suspended", "Accepted", "Sessions", "Age");
    assertThat(columns("accesspolicies"))
        .containsExactly("Name", "Mode", "Connections", "Accepted", "Age");
    assertThat(columns("approvalrequests"))
        .containsExactly("Name", "Phase", "Connection", "Requester", "Rule", "Expires", "Age");
    assertThat(columns("agentsessions"))
        .containsExactly(
            "Name", "Phase", "Pod", "Connection", "Allowed", "Denied", "Revoked", "Age");
  }

  private List<String> columns(String plural) {
    Answer table = cluster.api().getAs(path(plural), TABLE);
    assertThat(table.body().path("kind").textValue()).isEqualTo("Table");
    List<String> names = new ArrayList<>();
    table
        .body()
        .path("columnDefinitions")
        .forEach(column -> names.add(column.path("name").textValue()));
    return names;
  }

  @Test
  void aTableShowsWhatAPolicyIsAbout() {
    assertThat(cluster.api().create(path("accesspolicies"), policy("shown", "Observe")).accepted())
        .isTrue();
    JsonNode table = cluster.api().getAs(path("accesspolicies") + "/shown", TABLE).body();
    List<String> cells = new ArrayList<>();
    table.path("rows").path(0).path("cells").forEach(cell -> cells.add(cell.asText()));
    assertThat(cells.subList(0, 3)).containsExactly("shown", "Observe", "[\"orders-db\"]");
  }

  @Test
  void specAndStatusAreWrittenSeparately() {
    Api api = cluster.api();
    String all = path("accesspolicies");
    String one = all + "/separate";
    String status =
        "{\"status\":{\"conditions\":[{\"type\":\"Accepted\",\"status\":\"True\"}]},"
            + "\"spec\":{\"mode\":\"Observe\"}}";
    Answer created =
        api.create(
            all,
            policy("separate", "Enforce")
                + "status: {conditions: [{type: Accepted, status: 'False'}]}\n");
    assertThat(created.accepted()).as(created.toString()).isTrue();
    assertThat(created.body().has("status")).as("status is not taken from a create").isFalse();

    Answer merged = api.patch(one, Api.MERGE_PATCH, status);
    assertThat(merged.body().path("spec").path("mode").textValue()).isEqualTo("Observe");
    assertThat(merged.body().has("status")).as("status is not taken from an update").isFalse();

    Answer ofStatus =
        api.patch(one + "/status", Api.MERGE_PATCH, status.replace("Observe", "Enforce"));
    assertThat(ofStatus.body().path("spec").path("mode").textValue())
        .as("spec is not taken from an update of status")
        .isEqualTo("Observe");
    assertThat(ofStatus.body().path("status").path("conditions").path(0).path("status").textValue())
        .isEqualTo("True");
  }

  @Test
  void schemasHoldOfStatusToo() {
    Api api = cluster.api();
    api.create(path("accesspolicies"), policy("of-status", "Enforce"));
    Answer refused =
        api.patch(
            path("accesspolicies") + "/of-status/status",
            Api.MERGE_PATCH,
            "{\"status\":{\"conditions\":[{\"type\":\"Accepted\",\"status\":\"Perhaps\"}]}}");
    assertThat(refused.code()).isEqualTo(422);
    assertThat(refused.message()).contains("status.conditions[0].status");
  }

  /** Refused for what it is: malformed, not of the schema, or of no kind that there is. */
  private static boolean isInvalid(Answer answer) {
    return answer.code() == 400 || answer.code() == 422 || answer.code() == 404;
  }

  /** What the API server says to each document of a file. */
  private List<Answer> dryRun(Path file) throws IOException {
    List<Answer> answers = new ArrayList<>();
    for (String document : DOCUMENT_END.split(inOurNamespace(Files.readString(file)), -1)) {
      if (document.lines().anyMatch(line -> !line.isBlank() && !line.startsWith("#"))) {
        answers.add(
            cluster
                .api()
                .create(pathOf(document) + "?dryRun=All&fieldValidation=Strict", document));
      }
    }
    return answers;
  }

  private String inOurNamespace(String text) {
    return NAMESPACE.matcher(text).replaceAll("$1" + cluster.namespace());
  }

  /** Where a client sends a document to; what has no kind goes where it is told that. */
  private String pathOf(String document) {
    String kind = field(document, "kind", "AccessPolicy");
    String version = field(document, "apiVersion", "chaperone.dev/v1alpha1");
    String plural = plurals.getOrDefault(kind, kind);
    String root = version.contains("/") ? "/apis/" + version : "/api/" + version;
    return kind.equals("Namespace")
        ? root + "/namespaces"
        : root + "/namespaces/" + cluster.namespace() + "/" + plural;
  }

  private static String field(String document, String name, String absent) {
    Matcher matcher = Pattern.compile("(?m)^" + name + ": *([A-Za-z0-9./]+)$").matcher(document);
    return matcher.find() ? matcher.group(1) : absent;
  }

  private String path(String plural) {
    return "/apis/chaperone.dev/v1alpha1/namespaces/" + cluster.namespace() + "/" + plural;
  }

  private static String policy(String name, String mode) {
    return """
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: %s}
        spec:
          mode: %s
          connections: [orders-db]
          subjects: [{kind: ServiceAccount, name: support-agent}]
          rules: [{name: reads, effects: [Read], action: Allow}]
        """
        .formatted(name, mode);
  }

  /** The file as our own reader reads it, among those files that it names. */
  private ResourceSet read(Path file) throws Exception {
    Path among = Files.createDirectory(directory.resolve(name(file)));
    Files.copy(file, among.resolve("case.yaml"));
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith("# with: ") && !line.endsWith(": ")) {
        for (String name : line.substring("# with: ".length()).strip().split(" ", -1)) {
          Files.copy(FILES.resolve("common/" + name + ".yaml"), among.resolve(name + ".yaml"));
        }
      }
    }
    return ResourceDirectory.read(among);
  }

  private static List<Object> specs(List<? extends Resource<?>> resources) {
    return resources.stream()
        .filter(resource -> resource.source().file().equals("case.yaml"))
        .<Object>map(Resource::spec)
        .toList();
  }

  /** The specs of a kind, as the API server would store them, bound to our types. */
  private static List<Object> specs(
      List<Answer> answers, String kind, List<? extends Resource<?>> ours) {
    if (ours.isEmpty()) {
      return List.of();
    }
    Class<?> type = ours.get(0).spec().getClass();
    return answers.stream()
        .map(Answer::body)
        .filter(body -> body.path("kind").asText().equals(kind))
        .<Object>map(body -> bind(body.path("spec"), type))
        .toList();
  }

  private static Object bind(JsonNode spec, Class<?> type) {
    try {
      return MAPPER.treeToValue(spec, type);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Path> files(String kind) throws IOException {
    try (Stream<Path> files = Files.list(FILES.resolve(kind))) {
      return files.sorted().toList();
    }
  }

  private static List<String> names(List<Path> files) {
    return files.stream().map(CustomResourcesIT::name).toList();
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }
}
