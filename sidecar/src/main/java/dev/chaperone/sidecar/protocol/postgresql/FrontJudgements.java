package dev.chaperone.sidecar.protocol.postgresql;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

/**
 * What the message at the front of one client's stream was judged to be. Where a text is not known
 * it is asked for, and the message is shown again once there is an answer.
 *
 * <p>Used by the client's event loop.
 */
final class FrontJudgements {
  private final Judge judge;
  private final StatementNames names;
  private final Runnable goOn;

  /** What the front message was judged to be, while it has to be shown again. */
  private final IdentityHashMap<Object, Judgement> judged = new IdentityHashMap<>(2);

  private ErrorReply unreadable;

  /** A text is being judged. */
  private boolean asking;

  /**
   * Nothing is judged yet.
   *
   * @param goOn shows the front message again
   */
  FrontJudgements(Judge judge, StatementNames names, Runnable goOn) {
    this.judge = judge;
    this.names = names;
    this.goOn = goOn;
  }

  /** Whether a text is being judged. */
  boolean isAsking() {
    return asking;
  }

  /** Why the front message cannot be judged; null where it can or where that is not known yet. */
  ErrorReply unreadable() {
    return unreadable;
  }

  /** What was judged is judged anew when it is shown again. */
  void forget() {
    if (!judged.isEmpty()) {
      judged.clear();
    }
    unreadable = null;
  }

  /** The front message will be shown again and is to be what it was judged to be now. */
  void keep(Object key, Judgement judgement) {
    judged.put(key, judgement);
  }

  /** One for each candidate, or none where one has to be waited for. */
  List<Judgement> of(List<PreparedStatement> candidates) {
    if (candidates.size() == 1) {
      Judgement only = of(candidates.get(0));
      return only == null ? List.of() : List.of(only);
    }
    List<Judgement> judgements = new ArrayList<>(candidates.size());
    for (PreparedStatement candidate : candidates) {
      Judgement judgement = of(candidate);
      if (judgement == null) {
        return List.of();
      }
      judgements.add(judgement);
    }
    return judgements;
  }

  /**
   * The judgement that was made of the front message before, or null. It is the same one each time
   * the message is shown, also where it rests on the clock; but never one that was made under what
   * is not in force any more.
   */
  private Judgement kept(Object key) {
    Judgement kept = judged.isEmpty() ? null : judged.get(key);
    return kept == null || kept.context() != judge.context() ? null : kept;
  }

  /** The judgement of a text in a message, or null where it has to be waited for. */
  Judgement of(Object key, ByteBuf buffer, int start, int length) {
    Judgement judgement = kept(key);
    if (judgement == null) {
      judgement = judge.find(buffer, start, length);
    }
    if (judgement == null && unreadable == null) {
      ask(key, ByteBufUtil.getBytes(buffer, start, length, true));
    }
    return judgement;
  }

  /** The judgement of a prepared statement, or null where it has to be waited for. */
  Judgement of(PreparedStatement statement) {
    Judgement judgement = kept(statement);
    if (judgement == null) {
      judgement = judge.current(statement.judgement());
    }
    if (judgement == null && unreadable == null) {
      ask(statement, statement.text());
    } else if (judgement != null) {
      statement.judgement(judgement);
    }
    return judgement;
  }

  private void ask(Object key, byte[] text) {
    asking = true;
    judge.judge(
        text,
        names,
        new Judge.Listener() {
          @Override
          public void judged(Judgement judgement) {
            judged.put(key, judgement);
            answered();
          }

          @Override
          public void unreadable(ErrorReply reply) {
            unreadable = reply;
            answered();
          }
        });
  }

  private void answered() {
    asking = false;
    goOn.run();
  }
}
