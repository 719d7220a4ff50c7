package dev.chaperone.recording;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What was found out of an operation, and what policy said of it. The same for every operation of
 * one kind.
 *
 * @param action what policy said: Allow, RequireApproval or Deny; empty where it was not asked
 * @param generation the generation of the policies that decided
 * @param rule the rule that decided
 * @param reason why, in one line
 * @param accesses what the operation does; at most {@link #MAX_ACCESSES}
 * @param omitted how many more accesses there were
 * @param observed what policies in mode Observe would have said; at most {@link #MAX_ACCESSES}
 * @param masking what it was masked by; empty where that was not recorded
 */
public record Facts(
    String action,
    long generation,
    Optional<Rule> rule,
    String reason,
    List<Access> accesses,
    int omitted,
    List<Observation> observed,
    Optional<Masking> masking) {
  /** Accesses that are kept at most. */
  public static final int MAX_ACCESSES = 48;

  /** Nothing was found out. */
  public static final Repeated<Facts> NONE =
      Repeated.of(new Facts("", 0, Optional.empty(), "", List.of(), 0, List.of()));

  public Facts {
    Objects.requireNonNull(action, "action");
    Objects.requireNonNull(rule, "rule");
    Objects.requireNonNull(reason, "reason");
    omitted += Math.max(0, accesses.size() - MAX_ACCESSES);
    accesses = List.copyOf(accesses.subList(0, Math.min(MAX_ACCESSES, accesses.size())));
    observed = List.copyOf(observed.subList(0, Math.min(MAX_ACCESSES, observed.size())));
    Objects.requireNonNull(masking, "masking");
  }

  /** Facts that say nothing of masks. */
  public Facts(
      String action,
      long generation,
      Optional<Rule> rule,
      String reason,
      List<Access> accesses,
      int omitted,
      List<Observation> observed) {
    this(action, generation, rule, reason, accesses, omitted, observed, Optional.empty());
  }

  /**
   * What an operation was masked by.
   *
   * @param masks what was in force; empty where nothing was
   * @param returned how many protected columns its statements were found to return, each number
   *     once; at most {@link #MAX_RETURNED}
   */
  public record Masking(Optional<Repeated<MasksInForce>> masks, List<Integer> returned) {
    /** Numbers that are kept at most; whatever is returned is one of fewer. */
    public static final int MAX_RETURNED = 2_048;

    /** Nothing was masked. */
    public static final Masking NOTHING_IN_FORCE = new Masking(Optional.empty(), List.of());

    public Masking {
      Objects.requireNonNull(masks, "masks");
      returned = List.copyOf(returned.subList(0, Math.min(MAX_RETURNED, returned.size())));
    }

    /** Whether a protected column may be in its results. */
    boolean returnsProtected() {
      return returned.stream().anyMatch(count -> count > 0);
    }
  }

  /**
   * A rule of a policy.
   *
   * @param policy namespace and name, as {@code namespace/name}
   * @param uid the uid of the policy
   * @param generation the generation of the policy
   * @param name the name of the rule; empty where none of the policy's rules matched
   */
  public record Rule(String policy, String uid, long generation, String name) {
    @Override
    public String toString() {
      return name.isEmpty() ? policy : policy + "/" + name;
    }
  }

  /**
   * What an operation does to one resource.
   *
   * @param effect Read, Write and so on
   * @param command the protocol's own word
   * @param resource the canonical name
   * @param action how it was decided
   */
  public record Access(String effect, String command, String resource, String action) {
    @Override
    public String toString() {
      return effect + " " + command + " " + resource;
    }
  }

  /** What a rule of a policy in mode Observe would have said. */
  public record Observation(Rule rule, String action) {}
}
