package dev.chaperone.operator.injection;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The environment variables that point the agent's clients at the gateway. */
final class AgentVariables {
  /** Not {@code localhost}, which the pod's own /etc/hosts could mean otherwise. */
  private static final String HOST = "127.0.0.1";

  /** Which user a client names does not matter: the gateway knows who it is by the pod. */
  private static final String USER = "agent";

  /** An agent that also wants to verify the gateway says so in its own connection string. */
  private static final String SSL_MODE = "require";

  private AgentVariables() {}

  /**
   * One variable.
   *
   * @param value as Kubernetes expands it
   * @param connection that wants it
   */
  record Variable(String name, String value, String connection) {}

  /** The variables of all connections; two of one name are in {@code refusals}. */
  static List<Variable> of(List<SidecarConnection> connections, List<Refusal> refusals) {
    Map<String, Variable> variables = new LinkedHashMap<>();
    for (SidecarConnection connection : connections) {
      for (Variable variable : of(connection)) {
        Variable other = variables.putIfAbsent(variable.name(), variable);
        if (other != null) {
          refusals.add(
              new Refusal(
                  RefusalReason.VARIABLE_CONFLICT,
                  SidecarConnection.path(connection.name(), "environment"),
                  variable.name() + " is also set by AgentConnection " + other.connection()));
        }
      }
    }
    return List.copyOf(variables.values());
  }

  private static List<Variable> of(SidecarConnection connection) {
    if (!connection.environment().enabled()) {
      return List.of();
    }
    Map<String, String> values = new LinkedHashMap<>();
    values.put("PGHOST", HOST);
    values.put("PGPORT", Integer.toString(connection.listenPort()));
    values.put("PGUSER", USER);
    values.put("PGDATABASE", connection.database());
    if (connection.requiresTls()) {
      // libpq's own default would do; drivers that read the variable and prefer none would not.
      values.put("PGSSLMODE", SSL_MODE);
    }
    if (connection.environment().databaseUrl()) {
      String database =
          URLEncoder.encode(connection.database(), StandardCharsets.UTF_8).replace("+", "%20");
      values.put(
          "DATABASE_URL",
          "postgresql://"
              + USER
              + "@"
              + HOST
              + ":"
              + connection.listenPort()
              + "/"
              + database
              + (connection.requiresTls() ? "?sslmode=" + SSL_MODE : ""));
    }
    String prefix = connection.environment().prefix();
    String before = prefix == null || prefix.isEmpty() ? "" : prefix + "_";
    return values.entrySet().stream()
        .map(e -> new Variable(before + e.getKey(), literal(e.getValue()), connection.name()))
        .toList();
  }

  /** Kubernetes would put another variable's value in place of {@code $(NAME)}. */
  private static String literal(String value) {
    return value.replace("$", "$$");
  }
}
