package dev.chaperone.policy;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * One thing the agent asks: one simple-query message, one Bind, one HTTP request.
 *
 * @param protocol the connection's protocol, as the resources spell it
 * @param text the canonical text
 * @param parts what it consists of, in order; a simple-query message has one part a statement
 * @param dependencies what the facts in {@code parts} depend on besides the text without its
 *     literals
 */
public record Operation(
    String protocol, String text, List<Part> parts, Set<Dependency> dependencies) {
  public Operation {
    Objects.requireNonNull(protocol, "protocol");
    Objects.requireNonNull(text, "text");
    parts = List.copyOf(parts);
    dependencies = Set.copyOf(dependencies);
  }

  /**
   * One statement of an operation.
   *
   * @param command the protocol's own word, such as {@code SELECT}
   * @param accesses what it does; empty means neutral: allowed wherever any rule allows something
   * @param attributes what a rule's {@code when} sees as {@code operation.sql}, by name
   */
  public record Part(String command, List<Access> accesses, Map<String, Object> attributes) {
    public Part {
      Objects.requireNonNull(command, "command");
      accesses = List.copyOf(accesses);
      attributes = Map.copyOf(attributes);
    }

    /** Whether this part touches nothing that policy governs. */
    public boolean isNeutral() {
      return accesses.isEmpty();
    }
  }
}
