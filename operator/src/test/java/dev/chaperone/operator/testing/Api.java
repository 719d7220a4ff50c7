package dev.chaperone.operator.testing;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.HttpResponse;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Requests to the API server as they are on the wire: every method, every kind of patch, and bodies
 * that a client library would not send.
 */
public final class Api {
  /** Kinds of bodies, by what a patch does with them. */
  public static final String JSON = "application/json";

  public static final String YAML = "application/yaml";
  public static final String JSON_PATCH = "application/json-patch+json";
  public static final String MERGE_PATCH = "application/merge-patch+json";
  public static final String STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json";
  public static final String APPLY = "application/apply-patch+yaml";

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int TIMEOUT_SECONDS = 30;

  private final KubernetesClient client;

  Api(KubernetesClient client) {
    this.client = client;
  }

  /**
   * What the API server answered.
   *
   * @param code the HTTP status
   * @param body the object, or the Status that says why not
   */
  public record Answer(int code, JsonNode body) {
    public boolean accepted() {
      return code >= 200 && code < 300;
    }

    /** The reason in words; empty for what was accepted. */
    public String message() {
      return accepted() ? "" : body.isTextual() ? body.textValue() : body.path("message").asText();
    }

    @Override
    public String toString() {
      return code + " " + (accepted() ? body.toString() : message());
    }
  }

  public Answer get(String path) {
    return send("GET", path, JSON, null);
  }

  public Answer create(String path, String yaml) {
    return send("POST", path, YAML, yaml);
  }

  public Answer update(String path, String yaml) {
    return send("PUT", path, YAML, yaml);
  }

  public Answer patch(String path, String contentType, String body) {
    return send("PATCH", path, contentType, body);
  }

  public Answer delete(String path) {
    return send("DELETE", path, JSON, "{}");
  }

  /** Reads a path in a form of its own, such as a table. */
  public Answer getAs(String path, String accept) {
    return send(request(path).header("Accept", accept).build());
  }

  private Answer send(String method, String path, String contentType, String body) {
    HttpRequest.Builder request = request(path).header("Accept", JSON);
    if (body != null) {
      request = request.method(method, contentType, body);
    }
    return send(request.build());
  }

  private HttpRequest.Builder request(String path) {
    String server = client.getConfiguration().getMasterUrl();
    String root = server.endsWith("/") ? server.substring(0, server.length() - 1) : server;
    return client.getHttpClient().newHttpRequestBuilder().uri(root + path);
  }

  private Answer send(HttpRequest request) {
    try {
      HttpResponse<String> response =
          client
              .getHttpClient()
              .sendAsync(request, String.class)
              .get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
      return new Answer(response.code(), parse(response.body()));
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException(request.method() + " " + request.uri(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static JsonNode parse(String body) {
    try {
      return MAPPER.readTree(body);
    } catch (JsonProcessingException e) {
      return TextNode.valueOf(body);
    }
  }
}
