package dev.chaperone.sidecar.gateway;

import java.util.concurrent.CompletionStage;

/**
 * Told what ends a session, and what is put in force for it. Called from any thread; nothing waits
 * in it.
 */
public interface SessionListener {

  /**
   * What the session asked for and has not used is not to be given any more.
   *
   * @param reason for people to read
   * @return completes when it cannot be used and the session's recording says so
   */
  CompletionStage<Void> withdraw(Session session, String reason);

  /** Another configuration is in force for the session. */
  void changed(Session session, Ruling ruling);
}
