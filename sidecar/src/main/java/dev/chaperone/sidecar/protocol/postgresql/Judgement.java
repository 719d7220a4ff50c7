package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.Decision;
import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.sql.Masking;
import dev.chaperone.policy.sql.SessionEffect;
import dev.chaperone.policy.sql.SqlAnalysis;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * What the gateway found a text to do and what policy says of it, in one context.
 *
 * @param context what it was judged in; it holds nowhere else
 * @param analysis how the text was read
 * @param decision what policy says; empty where the text was not readable
 * @param refusal why no policy can allow it; empty where one can
 * @param maskRefusal why it would show or use masked values; empty where it would not
 * @param plan what its results are held against; null where nothing is masked
 * @param effects what it changes in the client's session when it runs
 * @param consequences what is to be minded when it runs
 */
record Judgement(
    JudgementContext context,
    SqlAnalysis analysis,
    Optional<Decision> decision,
    Optional<String> refusal,
    Optional<Masking.Refused> maskRefusal,
    ResultPlan plan,
    List<SessionEffect> effects,
    Set<Consequence> consequences) {
  Judgement {
    Objects.requireNonNull(context, "context");
    Objects.requireNonNull(analysis, "analysis");
    Objects.requireNonNull(decision, "decision");
    Objects.requireNonNull(refusal, "refusal");
    Objects.requireNonNull(maskRefusal, "maskRefusal");
    effects = List.copyOf(effects);
    consequences =
        consequences.isEmpty()
            ? Set.of()
            : Collections.unmodifiableSet(EnumSet.copyOf(consequences));
  }

  static Judgement of(JudgementContext context, SqlAnalysis analysis, Optional<Decision> decision) {
    if (!(analysis instanceof SqlAnalysis.Understood understood)) {
      return new Judgement(
          context,
          analysis,
          decision,
          Optional.empty(),
          Optional.empty(),
          null,
          List.of(),
          Set.of());
    }
    List<SessionEffect> effects =
        understood.statements().stream().flatMap(s -> s.effects().stream()).toList();
    Set<Consequence> consequences = Consequence.of(understood, effects);
    return new Judgement(
        context,
        analysis,
        decision,
        understood.refusal(),
        understood.maskingRefusal(),
        ResultPlan.of(context, understood, consequences.contains(Consequence.RUNS_UNKNOWN_CODE)),
        effects,
        consequences);
  }

  boolean has(Consequence consequence) {
    return consequences.contains(consequence);
  }

  /** Whether it waits for a person. */
  boolean needsApproval() {
    return decision.isPresent() && decision.get() instanceof Decision.RequireApproval;
  }

  /** Whether it may be used again for the same text in the same context. */
  boolean isReusable() {
    return !analysis.dependencies().contains(Dependency.SESSION);
  }

  /**
   * Whether it also holds for the same text with other literals. Never where a person decides: what
   * they approve is the text with its literals, which is part of the judgement. Nor where it runs
   * code: a literal may be a password, and the text says whether it is.
   */
  boolean coversOtherLiterals() {
    return isReusable()
        && !needsApproval()
        && !has(Consequence.RUNS_UNKNOWN_CODE)
        && decision.isPresent()
        && !analysis.dependencies().contains(Dependency.LITERALS)
        && !decision.get().basis().dependencies().contains(Dependency.LITERALS);
  }

  /** Whether the decision, not the reading, must be made anew each time. */
  boolean dependsOnTime() {
    return decision.isPresent() && decision.get().basis().dependencies().contains(Dependency.TIME);
  }
}
