package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.SqlSession;
import dev.chaperone.recording.MasksInForce;
import dev.chaperone.recording.Repeated;
import dev.chaperone.sidecar.gateway.Ruling;

/**
 * Everything a judgement depends on besides the text: the policy in force, the catalog, the role,
 * the search path, the client's temporary objects. Judgements are kept with the context they were
 * made in, so that none can be used in another.
 */
final class JudgementContext {
  private final Ruling ruling;
  private final SqlSession session;
  private final RecordedMasks recordedMasks;
  private Repeated<MasksInForce> masks;
  private final JudgementCache cache = new JudgementCache();

  JudgementContext(Ruling ruling, SqlSession session) {
    this(ruling, session, new RecordedMasks());
  }

  JudgementContext(Ruling ruling, SqlSession session, RecordedMasks recordedMasks) {
    this.ruling = ruling;
    this.session = session;
    this.recordedMasks = recordedMasks;
  }

  Ruling ruling() {
    return ruling;
  }

  SqlSession session() {
    return session;
  }

  /** The judgements made in this context; used by one event loop. */
  JudgementCache cache() {
    return cache;
  }

  /** The masks in force, as they are recorded. */
  Repeated<MasksInForce> masks() {
    if (masks == null) {
      masks = recordedMasks.of(ruling, session.protectedColumns(), session.catalog());
    }
    return masks;
  }

  boolean isFor(Ruling otherRuling, SqlSession otherSession) {
    return ruling == otherRuling
        && session.catalog() == otherSession.catalog()
        && session.equals(otherSession);
  }
}
