package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.SqlSession;
import dev.chaperone.sidecar.gateway.Ruling;
import java.util.ArrayDeque;
import java.util.Iterator;

/**
 * The contexts in use on one event loop for one connection, so that clients in the same situation
 * share their judgements. Used by that event loop.
 */
final class JudgementContexts {
  /** More are only seen where clients differ in search path, role or temporary objects. */
  private static final int MAX_CONTEXTS = 8;

  private final RecordedMasks recordedMasks = new RecordedMasks();
  private final ArrayDeque<JudgementContext> contexts = new ArrayDeque<>(MAX_CONTEXTS);

  JudgementContext context(Ruling ruling, SqlSession session) {
    Iterator<JudgementContext> all = contexts.iterator();
    while (all.hasNext()) {
      JudgementContext context = all.next();
      if (context.isFor(ruling, session)) {
        all.remove();
        contexts.addFirst(context);
        return context;
      }
      if (context.ruling() != ruling || context.session().catalog() != session.catalog()) {
        all.remove();
      }
    }
    JudgementContext created = new JudgementContext(ruling, session, recordedMasks);
    contexts.addFirst(created);
    if (contexts.size() > MAX_CONTEXTS) {
      contexts.removeLast();
    }
    return created;
  }
}
