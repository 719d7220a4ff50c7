package dev.chaperone.control.translation;

import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.resource.Resource;
import dev.chaperone.crds.v1alpha1.AgentConnectionSpec;
import java.util.List;
import java.util.OptionalLong;

/** Judges a connection by itself. */
final class ConnectionChecks {
  private static final long SMALLEST_BOUND = 1L << 10;
  private static final long LARGEST_BOUND = 1L << 30;

  private ConnectionChecks() {}

  /** Adds what is wrong. */
  static void check(Resource<AgentConnectionSpec> connection, List<Problem> problems) {
    UnavailableFeatures.check(connection, problems);
    bounds(connection, problems);
  }

  /** Its bounds; of no use where a problem was added. */
  static ConnectionConfiguration.Bounds bounds(
      Resource<AgentConnectionSpec> connection, List<Problem> problems) {
    long statement =
        bytes(
            connection,
            "spec.limits.statementBytes",
            connection.spec().limits().statementBytes(),
            problems);
    long message =
        bytes(
            connection,
            "spec.limits.messageBytes",
            connection.spec().limits().messageBytes(),
            problems);
    if (statement > message && message > 0) {
      problems.add(
          connection.problem(
              "spec.limits.statementBytes",
              "must not be larger than messageBytes: a statement is sent in one message"));
    }
    return new ConnectionConfiguration.Bounds(
        connection.spec().limits().clientConnections(), statement, message);
  }

  private static long bytes(
      Resource<AgentConnectionSpec> connection, String path, String text, List<Problem> problems) {
    OptionalLong bytes = Quantities.bytes(text);
    if (bytes.isEmpty()
        || bytes.getAsLong() < SMALLEST_BOUND
        || bytes.getAsLong() > LARGEST_BOUND) {
      problems.add(connection.problem(path, "must be between 1Ki and 1Gi, not " + text));
      return 0;
    }
    return bytes.getAsLong();
  }
}
