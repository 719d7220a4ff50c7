package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.sidecar.protocol.postgresql.MessageFramer.Disposition;
import dev.chaperone.sidecar.protocol.postgresql.ReplyLedger.Kind;

/**
 * COPY FROM STDIN of one client: what it sends while the target waits for rows.
 *
 * <p>Used by the client's event loop.
 */
final class CopyIn {
  private final ClientSession session;
  private final MessageFramer framer;
  private final ReplyLedger ledger;
  private final MessageBounds bounds;

  /** The target may be about to ask for rows. */
  private boolean pending;

  /** The target waits for rows. */
  private boolean underWay;

  /** Rows of the COPY at hand were sent. */
  private boolean rowsSent;

  /** A Sync came behind the rows of the COPY at hand and was not passed on. */
  private boolean syncAfterRows;

  CopyIn(ClientSession session, MessageFramer framer, ReplyLedger ledger, MessageBounds bounds) {
    this.session = session;
    this.framer = framer;
    this.ledger = ledger;
    this.bounds = bounds;
  }

  /** Whether the target may be about to ask for rows; nothing is judged until it has said. */
  boolean isPending() {
    return pending;
  }

  /** Whether what the agent sends now is rows. */
  boolean isUnderWay() {
    return underWay;
  }

  /** Whether a Sync came behind the rows of the COPY at hand and was not passed on. */
  boolean isSyncAfterRows() {
    return underWay && syncAfterRows;
  }

  /** A statement that asks for rows is sent. */
  void announced() {
    pending = true;
  }

  /** The target waits for rows. */
  void begins() {
    underWay = true;
    rowsSent = false;
    syncAfterRows = false;
    pending = false;
  }

  /** The target does not wait for rows any more. */
  void ended() {
    underWay = false;
    pending = false;
  }

  /** PostgreSQL documentation, "COPY Operations"; CopyGetData in the server's copyfromparse.c. */
  Disposition onMessage(byte type, int bodyBytes) {
    switch (type) {
      case FrontendMessage.COPY_DATA:
        if (bounds.isTooLong(type, bodyBytes)) {
          return failCopy(bounds.tooLong(type));
        }
        rowsSent = true;
        syncAfterRows = false;
        return Disposition.FORWARD;
      case FrontendMessage.COPY_DONE:
      case FrontendMessage.COPY_FAIL:
        underWay = false;
        ReplyLedger.Entry copying = ledger.head();
        if (copying != null && copying.kind() == Kind.QUERY) {
          // The same message may hold another COPY: wait for what the target says next.
          pending = true;
        }
        return Disposition.FORWARD;
      case FrontendMessage.SYNC:
        // The server ignores it while it waits for rows; but it may have failed on the rows before.
        syncAfterRows = rowsSent;
        return Disposition.DROP;
      case FrontendMessage.FLUSH:
        return Disposition.DROP;
      default:
        session.metrics().protocolError();
        return failCopy(
            ErrorReply.error(
                SqlState.PROTOCOL_VIOLATION,
                "message of type "
                    + MessageFramer.printable(type)
                    + " is not expected during COPY FROM STDIN"));
    }
  }

  private Disposition failCopy(ErrorReply reply) {
    framer.forwardPreceding();
    ledger.head().mustFail(reply);
    session.writeToTarget(out -> MessageWriter.copyFail(out, "refused by the gateway"));
    underWay = false;
    pending = true;
    return Disposition.DROP;
  }
}
