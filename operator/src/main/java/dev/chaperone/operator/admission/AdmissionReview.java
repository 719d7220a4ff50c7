package dev.chaperone.operator.admission;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Reads an AdmissionReview and writes its answer. Bytes of any kind give a {@link Reading}; none
 * gives an exception.
 */
public final class AdmissionReview {
  /**
   * The largest review that is read. The API server takes requests of 3 MiB, and a review of an
   * update holds the object twice, escaped no worse than it came.
   */
  public static final int MAX_BYTES = 8 * 1024 * 1024;

  private static final int MAX_NESTING = 100;
  private static final String API_VERSION = "admission.k8s.io/v1";

  /** What the API server makes of a message is cut by us, so that its end says that it was cut. */
  private static final int MAX_MESSAGE = 8 * 1024;

  private static final int MAX_WARNINGS = 16;

  /** Beyond this the API server cuts a warning itself. */
  private static final int MAX_WARNING = 256;

  private static final Pattern UID = Pattern.compile("[-a-zA-Z0-9]{1,64}");

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxDocumentLength(MAX_BYTES)
                          .maxNestingDepth(MAX_NESTING)
                          .maxNumberLength(64)
                          .maxStringLength(MAX_BYTES)
                          .build())
                  // Two fields of one name are read differently by different readers.
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  // Parts of the review are no part of an error's text.
                  .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .build();

  private AdmissionReview() {}

  /** What was made of the bytes. */
  public sealed interface Reading {

    /** A request that can be decided. */
    record Understood(AdmissionRequest request) implements Reading {}

    /**
     * No request that can be decided: to be answered with {@link #answer()}.
     *
     * @param uid of the request, where even a malformed one told it; else empty
     * @param problem what is wrong, without content of the request
     */
    record Malformed(String uid, String problem) implements Reading {

      /** The refusal. */
      public AdmissionAnswer answer() {
        return AdmissionAnswer.refused(
            "MalformedReview", "Chaperone cannot read the admission review: " + problem);
      }
    }
  }

  /** Reads a review. */
  public static Reading read(byte[] bytes) {
    if (bytes.length > MAX_BYTES) {
      return new Reading.Malformed("", "it is larger than " + MAX_BYTES + " bytes");
    }
    JsonNode review;
    try {
      review = JSON.readTree(bytes);
    } catch (JsonProcessingException e) {
      return new Reading.Malformed("", "it is not JSON: " + problem(e));
    } catch (IOException e) {
      return new Reading.Malformed("", "it is not JSON in UTF-8");
    }
    return request(review);
  }

  private static String problem(JsonProcessingException e) {
    String text = e.getOriginalMessage();
    if (text.startsWith("Duplicate field")) {
      return "two fields of one object have the same name";
    }
    if (text.contains("nesting depth")) {
      return "it is nested deeper than " + MAX_NESTING;
    }
    return e.getLocation() == null
        ? "malformed"
        : "malformed at byte " + e.getLocation().getByteOffset();
  }

  private static Reading request(JsonNode review) {
    JsonNode request = review.path("request");
    String uid = request.path("uid").asText();
    if (!UID.matcher(uid).matches()) {
      return new Reading.Malformed("", "request.uid is missing or not a uid");
    }
    if (!review.path("apiVersion").asText().equals(API_VERSION)
        || !review.path("kind").asText().equals("AdmissionReview")) {
      return new Reading.Malformed(uid, "it is not an AdmissionReview of " + API_VERSION);
    }
    AdmissionRequest.Operation operation =
        Arrays.stream(AdmissionRequest.Operation.values())
            .filter(o -> o.name().equals(request.path("operation").asText()))
            .findFirst()
            .orElse(null);
    if (operation == null) {
      return new Reading.Malformed(uid, "request.operation is missing or not known");
    }
    for (String field : List.of("subResource", "namespace", "name")) {
      if (!isTextOrAbsent(request.path(field))) {
        return new Reading.Malformed(uid, "request." + field + " is not text");
      }
    }
    if (!request.path("resource").path("resource").isTextual()) {
      return new Reading.Malformed(uid, "request.resource.resource is missing");
    }
    if (!request.path("userInfo").path("username").isTextual()) {
      return new Reading.Malformed(uid, "request.userInfo.username is missing");
    }
    Optional<AdmissionRequest.User> user = user(request.path("userInfo"));
    if (user.isEmpty()) {
      return new Reading.Malformed(uid, "request.userInfo is not that of a user");
    }
    JsonNode object = object(request.path("object"));
    JsonNode oldObject = object(request.path("oldObject"));
    if (!isObjectOrAbsent(object) || !isObjectOrAbsent(oldObject)) {
      return new Reading.Malformed(uid, "request.object or request.oldObject is not an object");
    }
    boolean create = operation == AdmissionRequest.Operation.CREATE;
    boolean update = operation == AdmissionRequest.Operation.UPDATE;
    if ((create || update) && object.isMissingNode()) {
      return new Reading.Malformed(uid, "request.object is missing");
    }
    if (update && oldObject.isMissingNode()) {
      return new Reading.Malformed(uid, "request.oldObject is missing");
    }
    return new Reading.Understood(
        new AdmissionRequest(
            uid,
            operation,
            request.path("resource").path("resource").asText(),
            text(request.path("subResource")),
            text(request.path("namespace")),
            text(request.path("name")),
            user.get(),
            object,
            oldObject,
            request.path("dryRun").asBoolean(false)));
  }

  private static Optional<AdmissionRequest.User> user(JsonNode info) {
    Map<String, List<String>> extra = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : info.path("extra").properties()) {
      Optional<List<String>> values = texts(entry.getValue());
      if (values.isEmpty()) {
        return Optional.empty();
      }
      extra.put(entry.getKey(), values.get());
    }
    return texts(info.path("groups"))
        .map(
            groups ->
                new AdmissionRequest.User(
                    info.path("username").asText(), text(info.path("uid")), groups, extra));
  }

  /** A list of text; none is an empty one. */
  private static Optional<List<String>> texts(JsonNode node) {
    List<String> texts = new ArrayList<>();
    for (JsonNode item : node) {
      if (!item.isTextual()) {
        return Optional.empty();
      }
      texts.add(item.asText());
    }
    return node.isArray() || node.isNull() || node.isMissingNode()
        ? Optional.of(texts)
        : Optional.empty();
  }

  private static JsonNode object(JsonNode node) {
    return node.isNull() ? MissingNode.getInstance() : node;
  }

  private static boolean isObjectOrAbsent(JsonNode node) {
    return node.isObject() || node.isMissingNode();
  }

  private static boolean isTextOrAbsent(JsonNode node) {
    return node.isTextual() || node.isNull() || node.isMissingNode();
  }

  private static String text(JsonNode node) {
    return node.isTextual() ? node.asText() : "";
  }

  /** The review that answers a request, as JSON. */
  public static byte[] write(String uid, AdmissionAnswer answer) {
    ObjectNode review = JSON.createObjectNode();
    review.put("apiVersion", API_VERSION).put("kind", "AdmissionReview");
    ObjectNode response = review.putObject("response");
    response.put("uid", uid).put("allowed", !(answer instanceof AdmissionAnswer.Refused));
    if (!answer.warnings().isEmpty()) {
      var warnings = response.putArray("warnings");
      answer.warnings().stream()
          .limit(MAX_WARNINGS)
          .forEach(warning -> warnings.add(cut(VisibleText.of(warning), MAX_WARNING)));
    }
    if (answer instanceof AdmissionAnswer.Patched patched) {
      response.put("patchType", "JSONPatch");
      response.put("patch", Base64.getEncoder().encodeToString(bytes(patched.patch())));
    }
    if (answer instanceof AdmissionAnswer.Refused refused) {
      response
          .putObject("status")
          .put("status", "Failure")
          .put("code", 403)
          .put("reason", refused.reason())
          .put("message", cut(refused.message(), MAX_MESSAGE));
    }
    return bytes(review);
  }

  private static byte[] bytes(JsonNode node) {
    try {
      return JSON.writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can always be written", e);
    }
  }

  private static String cut(String text, int longest) {
    if (text.length() <= longest) {
      return text;
    }
    int end = longest - 3;
    return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end)
        + "...";
  }
}
