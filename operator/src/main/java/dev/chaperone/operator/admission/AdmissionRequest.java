package dev.chaperone.operator.admission;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What the API server asks about.
 *
 * @param uid what the answer must repeat
 * @param operation what is about to happen
 * @param resource the plural name of the resource, such as {@code pods}
 * @param subResource such as {@code ephemeralcontainers}; empty for the resource itself
 * @param namespace empty for what belongs to no namespace
 * @param name empty where the API server has not made a name yet
 * @param user who asks
 * @param object as it would be stored, with all its fields; missing for DELETE and CONNECT
 * @param oldObject as it is stored; missing for CREATE and CONNECT
 * @param dryRun whether nothing is stored whatever the answer
 */
public record AdmissionRequest(
    String uid,
    Operation operation,
    String resource,
    String subResource,
    String namespace,
    String name,
    User user,
    JsonNode object,
    JsonNode oldObject,
    boolean dryRun) {

  /** What is about to happen. */
  public enum Operation {
    /** A new object. */
    CREATE,
    /** Another content of an object or of its subresource. */
    UPDATE,
    /** The end of an object. */
    DELETE,
    /** A connection, such as {@code exec}. */
    CONNECT
  }

  /**
   * Who asks, as Kubernetes authenticated them.
   *
   * @param uid empty where there is none
   * @param extra what else is known of them
   */
  public record User(
      String name, String uid, List<String> groups, Map<String, List<String>> extra) {
    public User {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(uid, "uid");
      groups = List.copyOf(groups);
      extra = Map.copyOf(extra);
    }
  }

  public AdmissionRequest {
    Objects.requireNonNull(uid, "uid");
    Objects.requireNonNull(operation, "operation");
    Objects.requireNonNull(resource, "resource");
    Objects.requireNonNull(subResource, "subResource");
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(user, "user");
    Objects.requireNonNull(object, "object");
    Objects.requireNonNull(oldObject, "oldObject");
  }

  /** Names what is asked about; no content, which may hold what a log must not. */
  @Override
  public String toString() {
    return operation
        + " "
        + resource
        + (subResource.isEmpty() ? "" : "/" + subResource)
        + " "
        + namespace
        + "/"
        + name;
  }
}
