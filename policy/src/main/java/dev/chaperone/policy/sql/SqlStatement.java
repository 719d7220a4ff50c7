package dev.chaperone.policy.sql;

import dev.chaperone.policy.Operation;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One statement as the gateway reads it.
 *
 * @param canonical its canonical text: no comments, standard literals, one space
 * @param part what it does, as rules see it
 * @param effects what it changes in the client's session when it succeeds
 * @param bodies the canonical texts of statements made earlier that run here under a name: by
 *     EXECUTE, by FETCH; empty for all others
 * @param refusal why no policy can allow it, or empty: statements that would take away what the
 *     analysis rests on (client_encoding, standard_conforming_strings)
 */
public record SqlStatement(
    String canonical,
    Operation.Part part,
    List<SessionEffect> effects,
    List<String> bodies,
    Optional<String> refusal) {
  public SqlStatement {
    Objects.requireNonNull(canonical, "canonical");
    Objects.requireNonNull(part, "part");
    effects = List.copyOf(effects);
    bodies = List.copyOf(bodies);
    Objects.requireNonNull(refusal, "refusal");
  }

  /** The canonical text, with what stands behind the names of earlier statements. */
  String withBodies() {
    return bodies.isEmpty() ? canonical : canonical + " /* " + String.join(" | ", bodies) + " */";
  }
}
