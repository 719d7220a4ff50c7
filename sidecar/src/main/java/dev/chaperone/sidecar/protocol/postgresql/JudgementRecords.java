package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Decision;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.TextWithoutLiterals;
import dev.chaperone.recording.Facts;
import dev.chaperone.recording.Repeated;
import dev.chaperone.recording.Statement;
import java.nio.charset.StandardCharsets;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * What is remembered of judgements. The same judgement is used for many operations; what is
 * remembered of it is made once. Used by one event loop.
 */
final class JudgementRecords {
  /** More than are in use at a time; then they are made anew. */
  private static final int MAX_KEPT = 1_024;

  private record Kept(Repeated<Facts> facts, Concealment.Concealed concealed) {}

  private final Concealment concealment;
  private final IdentityHashMap<Judgement, Kept> kept = new IdentityHashMap<>();

  JudgementRecords(Concealment concealment) {
    this.concealment = concealment;
  }

  Repeated<Facts> facts(Judgement judgement) {
    return of(judgement).facts();
  }

  /** Which bound values are left out. */
  IntPredicate concealedParameters(Judgement judgement) {
    return of(judgement).concealed().parameters();
  }

  /**
   * The text of an operation.
   *
   * @param text as the client sent it; taken over
   * @param prepared whether it is going to be run again and again
   */
  Repeated<Statement> statement(Judgement judgement, byte[] text, boolean prepared) {
    if (!(judgement.analysis() instanceof SqlAnalysis.Understood)) {
      return unreadable(text);
    }
    return of(judgement).concealed().literals()
        ? Statement.of(
            // Of the text itself: a judgement may be one of another text with other literals.
            TextWithoutLiterals.of(
                    new String(text, StandardCharsets.UTF_8),
                    judgement.context().session().catalog().serverVersionNum())
                .getBytes(StandardCharsets.UTF_8),
            true,
            prepared)
        : Statement.of(text, false, prepared);
  }

  /** A text that could not be read cannot be freed of its literals; it may be left out. */
  static Repeated<Statement> unreadable(byte[] text) {
    boolean conceals = Concealment.speaksOfSecrets(new String(text, StandardCharsets.ISO_8859_1));
    return Statement.of(conceals ? new byte[0] : text, conceals, false);
  }

  private Kept of(Judgement judgement) {
    Kept known = kept.get(judgement);
    if (known == null) {
      if (kept.size() >= MAX_KEPT) {
        kept.clear();
      }
      known =
          new Kept(
              judgement
                  .decision()
                  .map(decision -> facts(decision, masking(judgement)))
                  .orElse(Facts.NONE),
              concealment.of(judgement));
      kept.put(judgement, known);
    }
    return known;
  }

  /** What the results of an operation are masked by. */
  private static Facts.Masking masking(Judgement judgement) {
    ResultPlan plan = judgement.plan();
    return plan == null
        ? Facts.Masking.NOTHING_IN_FORCE
        : new Facts.Masking(Optional.of(plan.recorded()), plan.returned());
  }

  private static Repeated<Facts> facts(Decision decision, Facts.Masking masking) {
    Decision.Basis basis = decision.basis();
    List<Facts.Access> accesses =
        basis.accesses().stream()
            .limit(Facts.MAX_ACCESSES)
            .map(
                decided -> {
                  Access access = decided.access();
                  return new Facts.Access(
                      access.effect().label(),
                      access.command(),
                      access.resource(),
                      decided.action().label());
                })
            .toList();
    return Repeated.of(
        new Facts(
            action(decision),
            basis.generation(),
            basis.rule().map(JudgementRecords::rule),
            basis.reason(),
            accesses,
            basis.accesses().size() - accesses.size(),
            basis.observed().stream()
                .limit(Facts.MAX_ACCESSES)
                .map(
                    observed ->
                        new Facts.Observation(rule(observed.rule()), observed.action().label()))
                .toList(),
            Optional.of(masking)));
  }

  private static String action(Decision decision) {
    if (decision instanceof Decision.Allow) {
      return Decision.Action.ALLOW.label();
    }
    return decision instanceof Decision.Deny
        ? Decision.Action.DENY.label()
        : Decision.Action.REQUIRE_APPROVAL.label();
  }

  private static Facts.Rule rule(Decision.RuleReference rule) {
    return new Facts.Rule(
        rule.namespace() + "/" + rule.policy(), rule.uid(), rule.generation(), rule.rule());
  }
}
