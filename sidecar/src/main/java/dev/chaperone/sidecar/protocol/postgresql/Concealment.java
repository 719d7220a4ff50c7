package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.Effect;
import dev.chaperone.policy.Operation;
import dev.chaperone.policy.sql.SqlAnalysis;
import java.util.Arrays;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Says what of an operation must not be remembered as it is: values that meet a protected column,
 * passwords.
 */
interface Concealment {

  /** Whether the literals of its text are taken out. */
  boolean concealsLiterals(Judgement judgement);

  /**
   * Whether a bound value is left out.
   *
   * @param index of the parameter, from 0
   */
  boolean concealsParameter(Judgement judgement, int index);

  /**
   * What holds everywhere: values that go into masked columns; statements that change privileges,
   * which may hold passwords, and so may those that speak of secrets and run code, or are not
   * understood.
   */
  Concealment STANDARD =
      new Concealment() {
        @Override
        public boolean concealsLiterals(Judgement judgement) {
          if (!(judgement.analysis() instanceof SqlAnalysis.Understood understood)) {
            return false;
          }
          if (judgement.plan() != null && judgement.plan().hidesLiterals()) {
            return true;
          }
          Operation operation = understood.operation();
          return has(operation, Effect.PRIVILEGE)
              || (has(operation, Effect.UNKNOWN, Effect.EXECUTE)
                  && speaksOfSecrets(operation.text()));
        }

        private static boolean has(Operation operation, Effect... effects) {
          Set<Effect> wanted = Set.copyOf(Arrays.asList(effects));
          return operation.parts().stream()
              .flatMap(part -> part.accesses().stream())
              .anyMatch(access -> wanted.contains(access.effect()));
        }

        @Override
        public boolean concealsParameter(Judgement judgement, int index) {
          return concealsLiterals(judgement)
              || (judgement.plan() != null
                  && judgement.plan().maskedParameters().contains(index + 1));
        }
      };

  /** The words that passwords stand beside. */
  Pattern SECRETS = Pattern.compile("passw|secret|credential|identified", Pattern.CASE_INSENSITIVE);

  /** Whether a text may hold a password. */
  static boolean speaksOfSecrets(String text) {
    return SECRETS.matcher(text).find();
  }
}
