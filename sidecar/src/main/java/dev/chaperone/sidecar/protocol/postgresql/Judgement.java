package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.Decision;
import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.sql.SessionEffect;
import dev.chaperone.policy.sql.SqlAnalysis;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What the gateway found a text to do and what policy says of it, in one context.
 *
 * @param context what it was judged in; it holds nowhere else
 * @param analysis how the text was read
 * @param decision what policy says; empty where the text was not readable
 * @param effects what it changes in the client's session when it runs
 * @param copiesIn whether it takes rows from the client
 * @param changesCatalog whether the catalog may be another one after it
 * @param disturbs whether the context may be another one after it
 */
record Judgement(
    JudgementContext context,
    SqlAnalysis analysis,
    Optional<Decision> decision,
    List<SessionEffect> effects,
    boolean copiesIn,
    boolean changesCatalog,
    boolean disturbs) {
  Judgement {
    Objects.requireNonNull(context, "context");
    Objects.requireNonNull(analysis, "analysis");
    Objects.requireNonNull(decision, "decision");
    effects = List.copyOf(effects);
  }

  static Judgement of(JudgementContext context, SqlAnalysis analysis, Optional<Decision> decision) {
    List<SessionEffect> effects =
        analysis instanceof SqlAnalysis.Understood understood
            ? understood.statements().stream().flatMap(s -> s.effects().stream()).toList()
            : List.of();
    return new Judgement(
        context,
        analysis,
        decision,
        effects,
        effects.stream().anyMatch(SessionEffect.CopiesIn.class::isInstance),
        effects.stream().anyMatch(SessionEffect.ChangesCatalog.class::isInstance),
        effects.stream().anyMatch(Judgement::disturbs) || runsUnknownCode(analysis));
  }

  /** What is not known to be harmless may change search path and role from within. */
  private static boolean runsUnknownCode(SqlAnalysis analysis) {
    return analysis instanceof SqlAnalysis.Understood understood
        && understood.operation().parts().stream()
            .flatMap(part -> part.accesses().stream())
            .anyMatch(a -> a.effect() == Effect.EXECUTE || a.effect() == Effect.UNKNOWN);
  }

  private static boolean disturbs(SessionEffect effect) {
    return effect instanceof SessionEffect.ChangesSearchPath
        || effect instanceof SessionEffect.ChangesRole
        || effect instanceof SessionEffect.ChangesCatalog;
  }

  /** Whether it may be used again for the same text in the same context. */
  boolean isReusable() {
    return !analysis.dependencies().contains(Dependency.SESSION);
  }

  /** Whether it also holds for the same text with other literals. */
  boolean coversOtherLiterals() {
    return isReusable()
        && decision.isPresent()
        && !analysis.dependencies().contains(Dependency.LITERALS)
        && !decision.get().basis().dependencies().contains(Dependency.LITERALS);
  }

  /** Whether the decision, not the reading, must be made anew each time. */
  boolean dependsOnTime() {
    return decision.isPresent() && decision.get().basis().dependencies().contains(Dependency.TIME);
  }
}
