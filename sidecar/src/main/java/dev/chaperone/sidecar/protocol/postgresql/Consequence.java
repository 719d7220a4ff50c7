package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.Effect;
import dev.chaperone.policy.Operation;
import dev.chaperone.policy.sql.SessionEffect;
import dev.chaperone.policy.sql.SqlAnalysis;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** What the gateway has to mind when a text runs, worked out once when it is judged. */
enum Consequence {
  /** It takes rows from the client. */
  COPIES_IN,
  /** The catalog may be another one after it. */
  CHANGES_CATALOG,
  /** Search path or role may be another one after it. */
  DISTURBS_CONTEXT,
  /** It runs what is not known to be harmless: search path and role may change from within. */
  RUNS_UNKNOWN_CODE,
  /**
   * A statement of it follows one that runs unknown code: its names may mean something else by the
   * time it runs.
   */
  GOES_ON_AFTER_UNKNOWN_CODE,
  /** It may change more than the client's own session. */
  CHANGES_DATA;

  static Set<Consequence> of(SqlAnalysis.Understood understood, List<SessionEffect> effects) {
    Set<Consequence> consequences = EnumSet.noneOf(Consequence.class);
    for (SessionEffect effect : effects) {
      if (effect instanceof SessionEffect.CopiesIn) {
        consequences.add(COPIES_IN);
      } else if (effect instanceof SessionEffect.ChangesCatalog) {
        consequences.add(CHANGES_CATALOG);
        consequences.add(DISTURBS_CONTEXT);
      } else if (effect instanceof SessionEffect.ChangesSearchPath
          || effect instanceof SessionEffect.ChangesRole) {
        consequences.add(DISTURBS_CONTEXT);
      }
    }
    for (Operation.Part part : understood.operation().parts()) {
      if (consequences.contains(RUNS_UNKNOWN_CODE) && !part.isNeutral()) {
        consequences.add(GOES_ON_AFTER_UNKNOWN_CODE);
      }
      if (part.accesses().stream().anyMatch(a -> a.effect() != Effect.READ)) {
        consequences.add(CHANGES_DATA);
      }
      if (part.accesses().stream()
          .anyMatch(a -> a.effect() == Effect.EXECUTE || a.effect() == Effect.UNKNOWN)) {
        consequences.add(RUNS_UNKNOWN_CODE);
        consequences.add(DISTURBS_CONTEXT);
      }
    }
    return consequences;
  }
}
