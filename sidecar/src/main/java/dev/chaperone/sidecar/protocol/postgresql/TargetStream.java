package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.SessionEffect;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import dev.chaperone.sidecar.protocol.postgresql.MessageFramer.Disposition;
import dev.chaperone.sidecar.protocol.postgresql.ReplyLedger.Entry;
import dev.chaperone.sidecar.protocol.postgresql.ReplyLedger.Kind;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;

/**
 * What the target sends, message by message, held against what it was asked: rows are counted for
 * the operation they belong to, the errors of messages that had to fail are replaced, answers to
 * the gateway's own questions are kept back. A message that fits nothing that was asked ends the
 * session: the target is not trusted to stay in step.
 */
final class TargetStream implements MessageFramer.Handler {
  /** Longest message that is looked at as a whole, in bytes; a longer notice is left out. */
  private static final int CONTROL_MESSAGE_BYTES = 1 << 20;

  private final ClientSession session;
  private final MessageFramer framer = new MessageFramer(this);
  private final ReplyLedger ledger;
  private final StatementNames names;
  private final RecordedColumns columns = new RecordedColumns();
  private TransactionStatus status = TransactionStatus.IDLE;

  /** The client was told of an error the target does not know of: nothing until ReadyForQuery. */
  private boolean muted;

  /** A failing message was sent to bring the target's transaction to the state the client sees. */
  private boolean failing;

  TargetStream(ClientSession session, ReplyLedger ledger, StatementNames names) {
    this.session = session;
    this.ledger = ledger;
    this.names = names;
  }

  MessageFramer framer() {
    return framer;
  }

  /** As of the last ReadyForQuery. */
  TransactionStatus status() {
    return status;
  }

  @Override
  public boolean isBlocked() {
    return false;
  }

  @Override
  public int requiredBytes(byte type, int bodyBytes) {
    switch (type) {
      case BackendMessage.DATA_ROW:
        Entry head = ledger.head();
        if (head != null && head.ownQuery() != null) {
          return requireControl(type, bodyBytes);
        }
        return wantedBytes(head, bodyBytes);
      case BackendMessage.COPY_DATA:
        return wantedBytes(ledger.head(), bodyBytes);
      case BackendMessage.ERROR_RESPONSE:
      case BackendMessage.NOTICE_RESPONSE:
        return bodyBytes > CONTROL_MESSAGE_BYTES ? 0 : bodyBytes;
      default:
        return requireControl(type, bodyBytes);
    }
  }

  private static int wantedBytes(Entry head, int bodyBytes) {
    return head == null ? 0 : head.recorded().wantedBytes(bodyBytes);
  }

  private static int requireControl(byte type, int bodyBytes) {
    if (bodyBytes > CONTROL_MESSAGE_BYTES) {
      throw new ProtocolViolation(
          "target: message of type " + MessageFramer.printable(type) + " is too long");
    }
    return bodyBytes;
  }

  @Override
  public Disposition onMessage(byte type, int bodyBytes, ByteBuf buffer, int start, int available) {
    switch (type) {
      case BackendMessage.NOTICE_RESPONSE:
        return bodyBytes > CONTROL_MESSAGE_BYTES || isOwn(ledger.head())
            ? Disposition.DROP
            : Disposition.FORWARD;
      case BackendMessage.NOTIFICATION_RESPONSE:
        return Disposition.FORWARD;
      case BackendMessage.PARAMETER_STATUS:
        return onParameterStatus(buffer, start, bodyBytes);
      case BackendMessage.ERROR_RESPONSE:
        return onError(buffer, start, bodyBytes, available);
      default:
        break;
    }
    Entry head = ledger.head();
    if (head == null) {
      throw unexpected(type);
    }
    if (type == BackendMessage.READY_FOR_QUERY) {
      return onReadyForQuery(head, buffer, start, bodyBytes);
    }
    if (head.replacement() != null && head.operation() == null) {
      throw new ProtocolViolation("target: a message that must fail did not");
    }
    if (isOwn(head)) {
      return onOwn(type, head, buffer, start, bodyBytes);
    }
    switch (type) {
      case BackendMessage.DATA_ROW:
        requireRows(type, head);
        Disposition row = onRow(head, bodyBytes);
        if (row == Disposition.FORWARD) {
          head.recorded().row(buffer, start, bodyBytes, available);
        }
        return row;
      case BackendMessage.COPY_DATA:
        requireRows(type, head);
        Disposition line = onRow(head, bodyBytes);
        if (line == Disposition.FORWARD) {
          head.recorded().line(buffer, start, bodyBytes, available);
        }
        return line;
      case BackendMessage.COMMAND_COMPLETE:
      case BackendMessage.EMPTY_QUERY_RESPONSE:
      case BackendMessage.PORTAL_SUSPENDED:
        return onComplete(type, head, buffer, start, bodyBytes);
      case BackendMessage.ROW_DESCRIPTION:
        require(
            type,
            head.kind() == Kind.QUERY
                || head.kind() == Kind.DESCRIBE_STATEMENT
                || head.kind() == Kind.DESCRIBE_PORTAL);
        tellColumns(head, buffer, start, bodyBytes);
        return onAnswered(head, head.kind() != Kind.QUERY);
      case BackendMessage.NO_DATA:
        require(
            type, head.kind() == Kind.DESCRIBE_STATEMENT || head.kind() == Kind.DESCRIBE_PORTAL);
        return onAnswered(head, true);
      case BackendMessage.PARAMETER_DESCRIPTION:
        require(type, head.kind() == Kind.DESCRIBE_STATEMENT);
        return onAnswered(head, false);
      case BackendMessage.PARSE_COMPLETE:
        require(type, head.kind() == Kind.PARSE);
        return onAnswered(head, true);
      case BackendMessage.BIND_COMPLETE:
        require(type, head.kind() == Kind.BIND);
        return onAnswered(head, true);
      case BackendMessage.CLOSE_COMPLETE:
        require(type, head.kind() == Kind.CLOSE);
        return onAnswered(head, true);
      case BackendMessage.COPY_OUT_RESPONSE:
      case BackendMessage.COPY_DONE:
        requireRows(type, head);
        return onAnswered(head, false);
      case BackendMessage.COPY_IN_RESPONSE:
        require(type, head.copiesIn() && ledger.size() == 1);
        session.agentStream().targetCopiesIn();
        return onAnswered(head, false);
      default:
        throw unexpected(type);
    }
  }

  private Disposition onRow(Entry head, int bodyBytes) {
    RunningOperation operation = head.operation();
    if (operation.aborted() == null) {
      if (bodyBytes > session.messageBytes()) {
        abort(
            operation,
            ErrorReply.error(
                SqlState.PROGRAM_LIMIT_EXCEEDED,
                "a row is longer than the gateway passes on: limit "
                    + session.messageBytes()
                    + " bytes",
                "Select fewer or shorter columns."));
      } else if (!operation.count(bodyBytes + 5)) {
        abort(operation, operation.limitExceeded());
      }
    }
    return muted || operation.aborted() != null ? Disposition.DROP : Disposition.FORWARD;
  }

  private void abort(RunningOperation operation, ErrorReply error) {
    session.metrics().resultLimited();
    operation.recorded().failed(error.sqlState(), error.message());
    operation.abort(error);
    session.cancelTarget();
  }

  /** One statement is done; a simple query may have more. */
  private Disposition onComplete(byte type, Entry head, ByteBuf buffer, int start, int bodyBytes) {
    require(type, head.kind() == Kind.EXECUTE || head.kind() == Kind.QUERY);
    RunningOperation operation = head.operation();
    boolean suppressed = muted;
    if (operation.aborted() != null && !muted) {
      // The target was done before the cancel reached it. The client is told that the result was
      // cut
      // off, and hears nothing more of this group.
      framer.forwardPreceding();
      session.reply(operation.aborted());
      muted = true;
      suppressed = true;
    }
    if (type == BackendMessage.COMMAND_COMPLETE) {
      head.recorded()
          .result(buffer.toString(start, Math.max(0, bodyBytes - 1), StandardCharsets.UTF_8));
    }
    if (head.kind() == Kind.EXECUTE) {
      head.recorded().complete(type == BackendMessage.PORTAL_SUSPENDED);
      if (type == BackendMessage.COMMAND_COMPLETE) {
        succeeded(head);
      }
      if (head.copiesIn()) {
        session.agentStream().copyEnded();
      }
      ledger.removeHead();
    }
    return suppressed ? Disposition.DROP : Disposition.FORWARD;
  }

  private Disposition onAnswered(Entry head, boolean last) {
    if (last) {
      if (head.change() != null) {
        names.succeeded(head.change());
      }
      ledger.removeHead();
    }
    return muted ? Disposition.DROP : Disposition.FORWARD;
  }

  private Disposition onError(ByteBuf buffer, int start, int bodyBytes, int available) {
    boolean whole = available == bodyBytes;
    boolean fatal = whole && ErrorFields.isFatal(buffer, start, bodyBytes);
    Entry head = ledger.head();
    if (head == null) {
      if (!fatal) {
        throw unexpected(BackendMessage.ERROR_RESPONSE);
      }
      session.targetEnds();
      return Disposition.FORWARD;
    }
    if (fatal) {
      session.targetEnds();
      return isOwn(head) ? Disposition.DROP : Disposition.FORWARD;
    }
    if (head.kind() == Kind.SYNC) {
      // The commit that a Sync implies may fail: deferred constraints.
      return muted ? Disposition.DROP : passOrShorten(whole);
    }
    recordFailure(head, whole, buffer, start, bodyBytes);
    Disposition disposition = Disposition.DROP;
    if (isOwn(head)) {
      head.ownQuery().error();
    } else if (!muted) {
      ErrorReply replacement = replacement(head);
      if (replacement == null) {
        disposition = passOrShorten(whole);
      } else {
        framer.forwardPreceding();
        session.reply(replacement);
      }
    }
    if (head.kind() == Kind.QUERY) {
      if (head.copiesIn()) {
        session.agentStream().copyEnded();
      }
      head.failed();
    } else if (ledger.skipToSync(names::failed).isEmpty()) {
      session.agentStream().targetSkipsToSync();
    }
    return disposition;
  }

  private static void recordFailure(
      Entry head, boolean whole, ByteBuf buffer, int start, int bodyBytes) {
    RecordedOperation recorded = head.recorded();
    if (whole) {
      recorded.failed(
          ErrorFields.sqlState(buffer, start, bodyBytes),
          ErrorFields.message(buffer, start, bodyBytes));
    } else {
      recorded.failed(SqlState.INTERNAL_ERROR, "an error too long to pass on");
    }
    if (head.kind() != Kind.QUERY) {
      recorded.complete(false);
    }
  }

  private void tellColumns(Entry head, ByteBuf buffer, int start, int bodyBytes) {
    if (head.columns() != null) {
      head.columns().accept(columns.read(buffer, start, bodyBytes));
    }
  }

  private static ErrorReply replacement(Entry head) {
    if (head.replacement() != null) {
      return head.replacement();
    }
    return head.operation() == null ? null : head.operation().aborted();
  }

  private Disposition passOrShorten(boolean whole) {
    if (whole) {
      return Disposition.FORWARD;
    }
    framer.forwardPreceding();
    session.reply(
        ErrorReply.error(
            SqlState.INTERNAL_ERROR, "the target answered with an error too long to pass on"));
    return Disposition.DROP;
  }

  private Disposition onReadyForQuery(Entry head, ByteBuf buffer, int start, int bodyBytes) {
    require(
        BackendMessage.READY_FOR_QUERY,
        bodyBytes == 1 && (head.kind() == Kind.SYNC || head.kind() == Kind.QUERY));
    status = TransactionStatus.of(buffer.getByte(start));
    if (head.replacement() != null) {
      throw new ProtocolViolation("target: a message that must fail did not");
    }
    if (head.kind() == Kind.QUERY) {
      if (head.copiesIn()) {
        session.agentStream().copyEnded();
      }
      succeeded(head);
      head.recorded().complete(false);
    }
    long group = head.group();
    OwnQuery own = head.ownQuery();
    ledger.removeHead();
    if (status == TransactionStatus.IDLE) {
      names.transactionEnded(group);
    }
    if (own != null) {
      framer.forwardPreceding();
      own.complete();
      return Disposition.DROP;
    }
    Disposition disposition = Disposition.FORWARD;
    if (failing) {
      failing = false;
      muted = false;
    } else if (muted) {
      disposition = afterMuted();
    }
    if (disposition == Disposition.FORWARD) {
      session.readyForQuery();
    }
    return disposition;
  }

  /**
   * The client was told of an error that the target does not know of. Where a transaction is open
   * it has to fail now; the client sees the ReadyForQuery after that.
   */
  private Disposition afterMuted() {
    muted = false;
    if (status != TransactionStatus.IN_TRANSACTION) {
      return Disposition.FORWARD;
    }
    if (!ledger.isEmpty()) {
      // What the client sent ahead already runs in a transaction that it believes to have failed.
      session.end(
          ErrorReply.fatal(
              SqlState.CONFIGURATION_LIMIT_EXCEEDED,
              "a result was cut off in a transaction with statements sent ahead; the transaction is"
                  + " rolled back"));
      return Disposition.DROP;
    }
    muted = true;
    failing = true;
    session.failTransaction();
    return Disposition.DROP;
  }

  private Disposition onOwn(byte type, Entry head, ByteBuf buffer, int start, int bodyBytes) {
    switch (type) {
      case BackendMessage.DATA_ROW:
        head.ownQuery().value(firstColumn(buffer, start, bodyBytes));
        break;
      case BackendMessage.PARSE_COMPLETE:
      case BackendMessage.BIND_COMPLETE:
      case BackendMessage.CLOSE_COMPLETE:
      case BackendMessage.COMMAND_COMPLETE:
        ledger.removeHead();
        break;
      default:
        throw unexpected(type);
    }
    return Disposition.DROP;
  }

  private static String firstColumn(ByteBuf buffer, int start, int bodyBytes) {
    try {
      BodyReader row = new BodyReader(buffer, start, bodyBytes);
      row.readShort();
      int length = row.readInt();
      int valueStart = row.position();
      row.skip(length);
      return BodyReader.utf8(buffer, valueStart, length);
    } catch (MalformedMessage e) {
      throw new ProtocolViolation("target: malformed row");
    }
  }

  private Disposition onParameterStatus(ByteBuf buffer, int start, int bodyBytes) {
    try {
      BodyReader body = new BodyReader(buffer, start, bodyBytes);
      int nameEnd = body.skipCString();
      int valueStart = body.position();
      int valueEnd = body.skipCString();
      body.requireEnd();
      session.parameterStatus(
          BodyReader.utf8(buffer, start, nameEnd - start),
          BodyReader.utf8(buffer, valueStart, valueEnd - valueStart));
      return Disposition.FORWARD;
    } catch (MalformedMessage e) {
      throw new ProtocolViolation("target: malformed parameter status");
    }
  }

  private void succeeded(Entry head) {
    boolean cleared = false;
    for (SessionEffect effect : head.effects()) {
      if (effect instanceof SessionEffect.Prepares prepares && cleared) {
        names.preparing(PreparedStatement.of(prepares));
      } else if (effect instanceof SessionEffect.Deallocates deallocates) {
        cleared = true;
        names.close(deallocates.name());
      } else if (effect instanceof SessionEffect.DeallocatesAll) {
        cleared = true;
        names.closeAllStatements();
      } else if (effect instanceof SessionEffect.ClosesCursor closes) {
        names.closePortal(closes.name());
      } else if (effect instanceof SessionEffect.ClosesAllCursors) {
        names.closeAllPortals();
      }
    }
  }

  @Override
  public void forward(ByteBuf messages) {
    session.writeToAgent(messages);
  }

  private static boolean isOwn(Entry head) {
    return head != null && head.ownQuery() != null;
  }

  private static void requireRows(byte type, Entry head) {
    require(type, head.kind() == Kind.EXECUTE || head.kind() == Kind.QUERY);
  }

  private static void require(byte type, boolean condition) {
    if (!condition) {
      throw unexpected(type);
    }
  }

  private static ProtocolViolation unexpected(byte type) {
    return new ProtocolViolation(
        "target: message of type " + MessageFramer.printable(type) + " is not expected here");
  }
}
