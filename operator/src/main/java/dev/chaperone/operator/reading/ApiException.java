package dev.chaperone.operator.reading;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * What a caller gets in place of what was asked for: a {@code Status}, as of any Kubernetes API.
 */
final class ApiException extends Exception {
  private static final long serialVersionUID = 1L;

  private final int code;
  private final String reason;

  private ApiException(int code, String reason, String message) {
    super(message);
    this.code = code;
    this.reason = reason;
  }

  static ApiException badRequest(String message) {
    return new ApiException(400, "BadRequest", message);
  }

  static ApiException unauthorized() {
    return new ApiException(
        401, "Unauthorized", "ask through the API server: nobody else is believed here");
  }

  static ApiException forbidden(String user, RecordingRequest.Name name) {
    return new ApiException(
        403,
        "Forbidden",
        "agentsessions.chaperone.dev \""
            + name.name()
            + "\" is forbidden: User \""
            + user
            + "\" cannot get resource \"agentsessions/recording\" in API group \"chaperone.dev\" in"
            + " the namespace \""
            + name.namespace()
            + "\"");
  }

  static ApiException notFound(String message) {
    return new ApiException(404, "NotFound", message);
  }

  static ApiException methodNotAllowed() {
    return new ApiException(405, "MethodNotAllowed", "recordings are read and nothing else");
  }

  static ApiException tooMany() {
    return new ApiException(
        429, "TooManyRequests", "as many recordings are being read as can be; try again");
  }

  static ApiException unavailable(String message) {
    return new ApiException(503, "ServiceUnavailable", message);
  }

  int code() {
    return code;
  }

  /** The {@code Status}. */
  ObjectNode status() {
    ObjectNode status = JsonNodeFactory.instance.objectNode();
    status.put("kind", "Status").put("apiVersion", "v1").putObject("metadata");
    return status
        .put("status", "Failure")
        .put("message", getMessage())
        .put("reason", reason)
        .put("code", code);
  }
}
