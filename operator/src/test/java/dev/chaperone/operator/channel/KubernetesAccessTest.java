package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.translation.SecretBytes;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is asked of an API server and how its answers are taken, over real HTTP. */
class KubernetesAccessTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MAPS = "/api/v1/namespaces/chaperone-system/configmaps";

  private final Map<String, ObjectNode> stored = new HashMap<>();
  private String answer;
  private int status = 200;
  private JsonNode asked;
  private String path;
  private HttpServer server;
  private KubernetesClient client;

  @BeforeEach
  void start() throws Exception {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 10);
    server.createContext("/", this::fixed);
    server.createContext(MAPS, this::configMaps);
    server.start();
    client =
        new KubernetesClientBuilder()
            .withConfig(
                new ConfigBuilder(io.fabric8.kubernetes.client.Config.empty())
                    .withMasterUrl("http://127.0.0.1:" + server.getAddress().getPort())
                    .withRequestRetryBackoffLimit(0)
                    .build())
            .build();
  }

  @AfterEach
  void stop() {
    client.close();
    server.stop(0);
  }

  @Test
  void aTokenIsReviewedForOurAudience() throws Exception {
    answer =
        """
        {"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{
          "authenticated":true,"audiences":["chaperone"],
          "user":{"username":"system:serviceaccount:support:support-agent",
            "extra":{"authentication.kubernetes.io/pod-name":["agent-0"],
                     "authentication.kubernetes.io/pod-uid":["uid-0"]}}}}
        """;
    assertThat(new KubernetesTokenReviewer(client).review(token("t0")))
        .isEqualTo(FakeCluster.verdict(FakeCluster.POD, "chaperone"));
    assertThat(path).isEqualTo("/apis/authentication.k8s.io/v1/tokenreviews");
    assertThat(asked.at("/spec/token").asText()).isEqualTo("t0");
    assertThat(asked.at("/spec/audiences").toString()).isEqualTo("[\"chaperone\"]");
  }

  @Test
  void aTokenThatIsNotAuthenticatedIsWorthNothing() throws Exception {
    for (String verdict :
        List.of("{\"authenticated\":false,\"error\":\"expired\"}", "{}", "{\"error\":\"x\"}")) {
      answer =
          "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\",\"status\":"
              + verdict
              + "}";
      assertThat(new KubernetesTokenReviewer(client).review(token("t0")).authenticated()).isFalse();
    }
  }

  @Test
  void aReviewThatFailsSaysNothingOfTheToken() {
    status = 500;
    answer = "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"message\":\"t0-secret is odd\"}";
    assertThatThrownBy(() -> new KubernetesTokenReviewer(client).review(token("t0-secret")))
        .isInstanceOf(IOException.class)
        .hasNoCause()
        .hasMessageContaining("500")
        .hasMessageNotContaining("t0-secret");
  }

  @Test
  void thePodAndTheRestartsOfItsSidecarAreLookedUp() throws Exception {
    answer =
        """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"agent-0","namespace":"support",
          "uid":"uid-0"},"status":{"initContainerStatuses":[
            {"name":"other","restartCount":9},{"name":"chaperone","restartCount":2}],
            "containerStatuses":[{"name":"agent","restartCount":7}]}}
        """;
    assertThat(new KubernetesPodLookup(client, "chaperone").find("support", "agent-0"))
        .contains(new PodLookup.Found("uid-0", 2));
    assertThat(path).isEqualTo("/api/v1/namespaces/support/pods/agent-0");
    answer = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"uid\":\"uid-0\"}}";
    assertThat(new KubernetesPodLookup(client, "chaperone").find("support", "agent-0"))
        .contains(new PodLookup.Found("uid-0", 0));
    status = 404;
    answer = "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":404}";
    assertThat(new KubernetesPodLookup(client, "chaperone").find("support", "agent-0")).isEmpty();
  }

  @Test
  void keysAreBoundOnceAndReplacedOnlyAsTheyWereRead() throws Exception {
    KeyBindings bindings = new ConfigMapKeyBindings(client, "chaperone-system");
    assertThat(bindings.find(FakeCluster.POD)).isEmpty();
    KeyBinding first = new KeyBinding(new Bytes(new byte[44]), 0);
    assertThat(bindings.create(FakeCluster.POD, first)).isTrue();
    assertThat(bindings.create(FakeCluster.POD, first)).isFalse();
    Optional<KeyBindings.Stored> read = bindings.find(FakeCluster.POD);
    assertThat(read.orElseThrow().binding()).isEqualTo(first);
    KeyBinding second = new KeyBinding(new Bytes(new byte[] {1}), 3);
    assertThat(bindings.replace(FakeCluster.POD, read.get(), second)).isTrue();
    assertThat(bindings.replace(FakeCluster.POD, read.get(), first)).isFalse();
    assertThat(bindings.find(FakeCluster.POD).orElseThrow().binding()).isEqualTo(second);
    assertThat(stored.keySet()).containsExactly("chaperone-sidecar-key-uid-0");
  }

  @Test
  void aBindingThatSomebodyHasEditedBindsNobody() throws Exception {
    KeyBindings bindings = new ConfigMapKeyBindings(client, "chaperone-system");
    bindings.create(FakeCluster.POD, new KeyBinding(new Bytes(new byte[44]), 0));
    stored.values().iterator().next().putObject("data").put("publicKey", "not base64");
    assertThatThrownBy(() -> bindings.find(FakeCluster.POD))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is not what the operator wrote");
  }

  private void fixed(HttpExchange exchange) throws IOException {
    path = exchange.getRequestURI().getPath();
    byte[] body = exchange.getRequestBody().readAllBytes();
    asked = body.length == 0 ? null : JSON.readTree(body);
    answer(exchange, status, answer);
  }

  /** As an API server keeps them: names are unique, a put has to name the present version. */
  private void configMaps(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    String name = exchange.getRequestURI().getPath().substring(MAPS.length()).replace("/", "");
    switch (exchange.getRequestMethod()) {
      case "GET" -> {
        if (stored.containsKey(name)) {
          answer(exchange, 200, stored.get(name).toString());
        } else {
          answer(exchange, 404, "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":404}");
        }
      }
      case "POST" -> {
        ObjectNode map = (ObjectNode) JSON.readTree(body);
        String posted = map.at("/metadata/name").asText();
        if (stored.containsKey(posted)) {
          conflict(exchange);
        } else {
          ((ObjectNode) map.get("metadata")).put("resourceVersion", "1");
          stored.put(posted, map);
          answer(exchange, 201, map.toString());
        }
      }
      case "PUT" -> {
        ObjectNode map = (ObjectNode) JSON.readTree(body);
        int version = stored.get(name).at("/metadata/resourceVersion").asInt();
        if (map.at("/metadata/resourceVersion").asInt() == version) {
          ((ObjectNode) map.get("metadata")).put("resourceVersion", "" + (version + 1));
          stored.put(name, map);
          answer(exchange, 200, map.toString());
        } else {
          conflict(exchange);
        }
      }
      default -> answer(exchange, 405, "{}");
    }
  }

  private static void conflict(HttpExchange exchange) throws IOException {
    answer(
        exchange,
        409,
        "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"code\":409}");
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private static SecretBytes token(String text) {
    return new SecretBytes(text.getBytes(StandardCharsets.UTF_8));
  }
}
