package dev.chaperone.operator.injection;

import java.util.Objects;

/**
 * One thing that a pod is refused for.
 *
 * @param path where: of the pod, such as {@code spec.containers[0].securityContext.privileged}, or
 *     of a connection, such as {@code AgentConnection orders-db: spec.listen.port}
 * @param problem what is wrong there, for people
 */
public record Refusal(RefusalReason reason, String path, String problem) {
  public Refusal {
    Objects.requireNonNull(reason, "reason");
    Objects.requireNonNull(path, "path");
    Objects.requireNonNull(problem, "problem");
  }

  /** Where, what, and the way out, in one line. */
  @Override
  public String toString() {
    return path + ": " + problem + "; " + reason.wayOut();
  }
}
