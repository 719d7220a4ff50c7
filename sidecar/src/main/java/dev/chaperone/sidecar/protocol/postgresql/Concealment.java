package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.Effect;
import dev.chaperone.policy.Operation;
import dev.chaperone.policy.sql.SqlAnalysis;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;

/**
 * Says what of an operation must not be remembered as it is: values that meet a protected column,
 * passwords.
 */
interface Concealment {

  /**
   * What is concealed of one operation.
   *
   * @param literals whether the literals of its text are taken out
   * @param parameters which bound values are left out, by their index from 0
   */
  record Concealed(boolean literals, IntPredicate parameters) {
    static final Concealed NOTHING = new Concealed(false, index -> false);
    static final Concealed ALL = new Concealed(true, index -> true);
  }

  /** What is concealed of operations that are judged so; asked once for each judgement. */
  Concealed of(Judgement judgement);

  /**
   * What holds everywhere: values that go into masked columns; statements that change privileges,
   * which may hold passwords, and so may those that speak of secrets and run code, or are not
   * understood.
   */
  static Concealed standard(Judgement judgement) {
    if (!(judgement.analysis() instanceof SqlAnalysis.Understood understood)) {
      return Concealed.NOTHING;
    }
    Operation operation = understood.operation();
    boolean conceals =
        has(operation, Set.of(Effect.PRIVILEGE))
            || (has(operation, Set.of(Effect.UNKNOWN, Effect.EXECUTE))
                && speaksOfSecrets(operation.text()));
    if (conceals) {
      return Concealed.ALL;
    }
    ResultPlan plan = judgement.plan();
    if (plan == null) {
      return Concealed.NOTHING;
    }
    Set<Integer> masked = plan.maskedParameters();
    return new Concealed(plan.hidesLiterals(), index -> masked.contains(index + 1));
  }

  private static boolean has(Operation operation, Set<Effect> effects) {
    return operation.parts().stream()
        .flatMap(part -> part.accesses().stream())
        .anyMatch(access -> effects.contains(access.effect()));
  }

  /** The words that passwords stand beside. */
  Pattern SECRETS = Pattern.compile("passw|secret|credential|identified", Pattern.CASE_INSENSITIVE);

  /** Whether a text may hold a password. */
  static boolean speaksOfSecrets(String text) {
    return SECRETS.matcher(text).find();
  }
}
