package dev.chaperone.policy;

import dev.chaperone.policy.masking.MaskingRule;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * An AccessPolicy, as the engine reads it.
 *
 * @param namespace where it lives; it governs connections of that namespace only
 * @param name unique in its namespace
 * @param uid what tells it from a policy of the same name that was there before
 * @param generation changes with each change of it
 * @param connections the names of the connections it governs
 * @param subjects whom it governs; one match is enough
 * @param mode whether it decides
 * @param rules in order
 * @param masking what its subjects see masked; in force in either mode
 * @param limits what its subjects may use at most
 */
public record Policy(
    String namespace,
    String name,
    String uid,
    long generation,
    Set<String> connections,
    List<SubjectReference> subjects,
    Mode mode,
    List<Rule> rules,
    List<MaskingRule> masking,
    Limits limits) {
  public Policy {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(uid, "uid");
    connections = Set.copyOf(connections);
    subjects = List.copyOf(subjects);
    Objects.requireNonNull(mode, "mode");
    rules = List.copyOf(rules);
    masking = List.copyOf(masking);
    Objects.requireNonNull(limits, "limits");
  }

  /** Whether a policy decides, or only says what it would decide. */
  public enum Mode {
    ENFORCE("Enforce"),
    OBSERVE("Observe");

    private final String label;

    Mode(String label) {
      this.label = label;
    }

    /** The name used in resources and messages. */
    public String label() {
      return label;
    }
  }

  /** Whom a policy governs. */
  public record SubjectReference(Kind kind, String name) {
    public SubjectReference {
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(name, "name");
    }

    /** What a name is the name of. */
    public enum Kind {
      /** A service account of the policy's own namespace. */
      SERVICE_ACCOUNT("ServiceAccount"),
      /** An end user that the connection's identity provider vouched for. */
      USER("User"),
      /** A group of such a user. */
      GROUP("Group");

      private final String label;

      Kind(String label) {
        this.label = label;
      }

      /** The name used in resources and messages. */
      public String label() {
        return label;
      }
    }

    boolean matches(Subject subject, String policyNamespace) {
      return switch (kind) {
        case SERVICE_ACCOUNT ->
            subject.namespace().equals(policyNamespace) && subject.serviceAccount().equals(name);
        case USER -> subject.user().isPresent() && subject.user().get().equals(name);
        case GROUP -> subject.groups().contains(name);
      };
    }

    @Override
    public String toString() {
      return kind.label() + " " + name;
    }
  }
}
