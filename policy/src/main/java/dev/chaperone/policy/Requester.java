package dev.chaperone.policy;

import java.util.Map;
import java.util.Objects;

/**
 * Who asks, and through which connection.
 *
 * @param subject who asks
 * @param namespace the connection's namespace; only its policies apply
 * @param connection the connection's name
 * @param session what a rule's {@code when} sees as {@code session} besides {@code namespace} and
 *     {@code connection}; {@link OperationSchema} lists the names
 */
public record Requester(
    Subject subject, String namespace, String connection, Map<String, Object> session) {
  public Requester {
    Objects.requireNonNull(subject, "subject");
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(connection, "connection");
    session = Map.copyOf(session);
  }
}
