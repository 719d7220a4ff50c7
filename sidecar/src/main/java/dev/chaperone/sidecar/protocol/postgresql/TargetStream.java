package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.SessionEffect;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import dev.chaperone.sidecar.protocol.postgresql.MessageFramer.Disposition;
import dev.chaperone.sidecar.protocol.postgresql.ReplyLedger.Entry;
import dev.chaperone.sidecar.protocol.postgresql.ReplyLedger.Kind;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * What the target sends, message by message, held against what it was asked: rows are counted for
 * the operation they belong to, the errors of messages that had to fail are replaced, answers to
 * the gateway's own questions are kept back. A message that fits nothing that was asked ends the
 * session: the target is not trusted to stay in step.
 */
final class TargetStream implements MessageFramer.Handler {
  /** Longest message that is looked at as a whole, in bytes; a longer notice is left out. */
  private static final int CONTROL_MESSAGE_BYTES = 1 << 20;

  /** Rows that are masked at a time, in bytes; a longer row alone. */
  private static final int ROWS_BYTES = 8 << 10;

  /** Longest command tag with its end, in bytes; PostgreSQL source, COMPLETION_TAG_BUFSIZE. */
  private static final int COMMAND_TAG_BYTES = 64;

  private final ClientSession session;
  private final MessageFramer framer = new MessageFramer(this);
  private final ReplyLedger ledger;
  private final StatementNames names;
  private final RecordedColumns columns = new RecordedColumns();
  private TransactionStatus status = TransactionStatus.IDLE;

  /** The target has said that lines of COPY come; without that none is passed on. */
  private boolean copiesOut;

  /** Whose lines of COPY are looked at; null for none. */
  private ResultGuard copyGuard;

  /** The client was told of an error the target does not know of: nothing until ReadyForQuery. */
  private boolean muted;

  /** The open transaction has written to relations that have masked columns, or from them. */
  private boolean touchesMasked;

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
        return looksAtRows(head) ? requireRow(bodyBytes) : wantedBytes(head, bodyBytes);
      case BackendMessage.COPY_DATA:
        return copyGuard != null ? requireRow(bodyBytes) : wantedBytes(ledger.head(), bodyBytes);
      case BackendMessage.ERROR_RESPONSE:
      case BackendMessage.NOTICE_RESPONSE:
        return bodyBytes > CONTROL_MESSAGE_BYTES ? 0 : bodyBytes;
      default:
        return requireControl(type, bodyBytes);
    }
  }

  private static boolean looksAtRows(Entry head) {
    return head != null
        && head.operation() != null
        && head.operation().guard() != null
        && head.operation().guard().looksAtRows();
  }

  /** A row that is looked at is needed whole; one that is too long ends the operation anyway. */
  private int requireRow(int bodyBytes) {
    return bodyBytes > session.messageBytes() ? 0 : bodyBytes;
  }

  /** Of others, what is recorded of them. */
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
            : scrubbed(type, ledger.head(), buffer, start, bodyBytes);
      case BackendMessage.NOTIFICATION_RESPONSE:
        return replaced(session.notification(buffer, start, bodyBytes));
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
        require(type, !copiesOut);
        return onRow(head, buffer, start, bodyBytes, available);
      case BackendMessage.COPY_DATA:
        requireRows(type, head);
        require(type, copiesOut);
        return onCopyLine(head, buffer, start, bodyBytes, available);
      case BackendMessage.COMMAND_COMPLETE:
      case BackendMessage.EMPTY_QUERY_RESPONSE:
      case BackendMessage.PORTAL_SUSPENDED:
        return onComplete(type, head, buffer, start, bodyBytes);
      case BackendMessage.ROW_DESCRIPTION:
        require(type, !copiesOut);
        require(
            type,
            head.kind() == Kind.QUERY
                || head.kind() == Kind.DESCRIBE_STATEMENT
                || head.kind() == Kind.DESCRIBE_PORTAL);
        return onRowDescription(head, buffer, start, bodyBytes);
      case BackendMessage.NO_DATA:
        require(
            type, head.kind() == Kind.DESCRIBE_STATEMENT || head.kind() == Kind.DESCRIBE_PORTAL);
        require(type, bodyBytes == 0);
        return onNoData(head);
      case BackendMessage.PARAMETER_DESCRIPTION:
        require(type, head.kind() == Kind.DESCRIBE_STATEMENT);
        requireList(type, buffer, start, bodyBytes, 0, Integer.BYTES);
        return onAnswered(head, false);
      case BackendMessage.PARSE_COMPLETE:
        require(type, head.kind() == Kind.PARSE && bodyBytes == 0);
        return onAnswered(head, true);
      case BackendMessage.BIND_COMPLETE:
        require(type, head.kind() == Kind.BIND && bodyBytes == 0);
        return onAnswered(head, true);
      case BackendMessage.CLOSE_COMPLETE:
        require(type, head.kind() == Kind.CLOSE && bodyBytes == 0);
        return onAnswered(head, true);
      case BackendMessage.COPY_OUT_RESPONSE:
        requireRows(type, head);
        require(type, !copiesOut);
        requireList(type, buffer, start, bodyBytes, Byte.BYTES, Short.BYTES);
        return onCopyOut(head, buffer, start, bodyBytes);
      case BackendMessage.COPY_DONE:
        requireRows(type, head);
        require(type, copiesOut && bodyBytes == 0);
        copyEnds();
        return onAnswered(head, false);
      case BackendMessage.COPY_IN_RESPONSE:
        require(type, head.copiesIn() && ledger.size() == 1);
        requireList(type, buffer, start, bodyBytes, Byte.BYTES, Short.BYTES);
        session.agentStream().targetCopiesIn();
        return onAnswered(head, false);
      default:
        throw unexpected(type);
    }
  }

  private Disposition onRow(Entry head, ByteBuf buffer, int start, int bodyBytes, int available) {
    RunningOperation operation = head.operation();
    ResultGuard guard = operation.guard();
    if (guard != null && guard.looksAtRows() && operation.aborted() == null) {
      if (guard.mask() == null) {
        withhold(operation, ResultMasks.refusal("rows whose columns the target did not describe"));
      } else {
        maskRows(head, guard.mask(), buffer, start, bodyBytes);
      }
      return Disposition.DROP;
    }
    if (!countRow(operation, bodyBytes)) {
      return Disposition.DROP;
    }
    head.recorded().row(buffer, start, bodyBytes, available);
    return Disposition.FORWARD;
  }

  /** Masks a row, and those behind it that are there as a whole. */
  private void maskRows(Entry head, RowMask mask, ByteBuf buffer, int start, int bodyBytes) {
    RunningOperation operation = head.operation();
    int from = start - MessageFramer.HEADER_BYTES;
    int next = start + bodyBytes;
    int end = from;
    int rows = 0;
    boolean within = countRow(operation, bodyBytes);
    while (within) {
      end = next;
      rows++;
      int body = followingRow(buffer, next);
      if (body < 0 || next + body - from > ROWS_BYTES) {
        break;
      }
      next += MessageFramer.HEADER_BYTES + body;
      within = countRow(operation, body);
    }
    if (rows > 0) {
      framer.forwardPreceding();
      ByteBuf out = session.agentTail();
      int at = out.writerIndex();
      masked(head, session.masks().rows(mask, buffer, from, end - from, out));
      record(head.recorded(), rows, out, at);
    }
    framer.takeFollowing(next - start - bodyBytes);
  }

  /** The length of a row's body that stands there as a whole, or -1. */
  private int followingRow(ByteBuf buffer, int at) {
    int there = buffer.writerIndex() - at;
    if (there < Long.BYTES) {
      return -1;
    }
    // One look for type and length; no row with a masked column is shorter than this.
    long header = buffer.getLong(at);
    int body = (int) (header >>> 24) - Integer.BYTES;
    boolean whole =
        (byte) (header >>> 56) == BackendMessage.DATA_ROW
            && body <= there - MessageFramer.HEADER_BYTES
            && body <= session.messageBytes();
    return whole ? body : -1;
  }

  private static void record(RecordedOperation recorded, int count, ByteBuf rows, int from) {
    int at = from;
    int left = count;
    while (left > 0 && recorded.wantedBytes(1) > 0) {
      int body = rows.getInt(at + 1) - Integer.BYTES;
      at += MessageFramer.HEADER_BYTES;
      recorded.row(rows, at, body, body);
      at += body;
      left--;
    }
    recorded.further(left, rows.writerIndex() - at - left * (long) MessageFramer.HEADER_BYTES);
  }

  /** Lines of COPY: one to a message, as the server sends them in text format. */
  private Disposition onCopyLine(
      Entry head, ByteBuf buffer, int start, int bodyBytes, int available) {
    RunningOperation operation = head.operation();
    if (!countRow(operation, bodyBytes)) {
      return Disposition.DROP;
    }
    if (copyGuard == null) {
      head.recorded().line(buffer, start, bodyBytes, available);
      return Disposition.FORWARD;
    }
    if (bodyBytes == 0 || buffer.getByte(start + bodyBytes - 1) != '\n') {
      // A value could stand in two messages.
      withhold(operation, ResultMasks.refusal("a line of COPY in several messages"));
      return Disposition.DROP;
    }
    framer.forwardPreceding();
    ByteBuf out = session.agentTail();
    int body = out.writerIndex() + MessageFramer.HEADER_BYTES;
    boolean changed =
        session
            .masks()
            .copyLine(copyGuard.plan(), session.catalog(), buffer, start, bodyBytes, out);
    masked(head, changed ? 1 : 0);
    int length = out.writerIndex() - body;
    head.recorded().line(out, body, length, length);
    return Disposition.DROP;
  }

  private void masked(Entry head, int values) {
    head.operation().masked(values);
    head.recorded().masked(values);
    session.metrics().masked(values);
  }

  private Disposition onCopyOut(Entry head, ByteBuf buffer, int start, int bodyBytes) {
    copiesOut = true;
    ResultGuard guard = head.operation().guard();
    if (guard != null && !guard.foresees(0)) {
      // Rows with masked columns were to come, and not as COPY.
      withhold(head.operation(), ResultMasks.refusal("other columns than were foreseen"));
      return Disposition.DROP;
    }
    if (guard == null || guard.plan().masks().detectors().isEmpty()) {
      return onAnswered(head, false);
    }
    if (bodyBytes < 1 || buffer.getByte(start) != 0) {
      withhold(
          head.operation(),
          ErrorReply.error(
              SqlState.INSUFFICIENT_PRIVILEGE,
              "COPY in binary format is not available where text is searched for what is masked",
              "Use the text or CSV format."));
      return Disposition.DROP;
    }
    copyGuard = guard;
    return onAnswered(head, false);
  }

  private void copyEnds() {
    copiesOut = false;
    copyGuard = null;
  }

  private Disposition onRowDescription(Entry head, ByteBuf buffer, int start, int bodyBytes) {
    ByteBuf instead = session.columnNames(buffer, start, bodyBytes);
    ByteBuf told = instead == null ? buffer : instead;
    int body = instead == null ? start : MessageFramer.HEADER_BYTES;
    int length = instead == null ? bodyBytes : instead.writerIndex() - body;
    if (head.statement() != null) {
      head.statement()
          .statement()
          .described(head.statement().context(), RowLayout.read(told, body, length));
    }
    RunningOperation operation = head.operation();
    ResultGuard guard = operation == null ? null : operation.guard();
    if (guard != null && operation.aborted() == null) {
      Optional<ErrorReply> wrong = session.describe(operation, RowLayout.read(told, body, length));
      if (wrong.isPresent() && head.kind() == Kind.QUERY) {
        withhold(operation, wrong.get());
      } else if (wrong.isPresent()) {
        // Nothing runs yet; what is to run is refused, or its rows are not passed on.
        session.metrics().resultWithheld();
        operation.recorded().failed(wrong.get().sqlState(), wrong.get().message());
        operation.abort(wrong.get());
      }
    }
    boolean shown =
        !head.isHidden() && !muted && (head.kind() != Kind.QUERY || operation.aborted() == null);
    if (guard == null || guard.shown() == null) {
      tellColumns(head, told, body, length);
    }
    if (head.kind() != Kind.QUERY) {
      onAnswered(head, true);
    }
    if (shown) {
      return replaced(instead);
    }
    if (instead != null) {
      instead.release();
    }
    return Disposition.DROP;
  }

  private Disposition onNoData(Entry head) {
    if (head.statement() != null) {
      head.statement().statement().described(head.statement().context(), null);
    }
    if (head.described() != null) {
      head.described().noRows();
    }
    boolean hidden = head.isHidden();
    Disposition disposition = onAnswered(head, true);
    return hidden ? Disposition.DROP : disposition;
  }

  /** Passes a message on, or what was written in its place. */
  private Disposition replaced(ByteBuf instead) {
    if (instead == null) {
      return Disposition.FORWARD;
    }
    framer.forwardPreceding();
    session.writeToAgent(instead);
    return Disposition.DROP;
  }

  /** An error or notice, without what may show masked values. */
  private Disposition scrubbed(byte type, Entry head, ByteBuf buffer, int start, int bodyBytes) {
    return replaced(session.scrubbed(type, touchesMasked(head), buffer, start, bodyBytes));
  }

  private boolean touchesMasked(Entry head) {
    return touchesMasked || (head != null && head.touchesMasked());
  }

  /** Counts a row; false where it is not to be passed on. */
  private boolean countRow(RunningOperation operation, int bodyBytes) {
    if (operation.runsOn()) {
      cancel(operation);
    }
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
    return !muted && operation.aborted() == null;
  }

  private void abort(RunningOperation operation, ErrorReply error) {
    session.metrics().resultLimited();
    operation.recorded().failed(error.sqlState(), error.message());
    operation.abort(error);
    cancel(operation);
  }

  /** Ends an operation whose result is not what it was foreseen to be. */
  private void withhold(RunningOperation operation, ErrorReply error) {
    session.metrics().resultWithheld();
    operation.recorded().failed(error.sqlState(), error.message());
    operation.abort(error);
    cancel(operation);
  }

  private void cancel(RunningOperation operation) {
    operation.cancelled();
    session.cancelTarget();
  }

  /** One statement is done; a simple query may have more. */
  private Disposition onComplete(byte type, Entry head, ByteBuf buffer, int start, int bodyBytes) {
    require(type, head.kind() == Kind.EXECUTE || head.kind() == Kind.QUERY);
    require(type, bodyBytes == 0 || type == BackendMessage.COMMAND_COMPLETE);
    RunningOperation operation = head.operation();
    boolean suppressed = muted;
    if (operation.aborted() != null && !muted) {
      // The target was done before the cancel reached it. The client is told that the result was
      // cut off, and hears nothing more of this group.
      framer.forwardPreceding();
      session.reply(operation.aborted());
      muted = true;
      suppressed = true;
    }
    // A deferred constraint may fail later, in a statement that names no table.
    touchesMasked |= head.touchesMasked() && operation.changesData();
    copyEnds();
    if (head.kind() == Kind.QUERY && operation.guard() != null) {
      operation.guard().statementDone();
    }
    if (type == BackendMessage.COMMAND_COMPLETE) {
      require(type, bodyBytes > 0 && bodyBytes <= COMMAND_TAG_BYTES);
      int length = bodyBytes - 1;
      require(type, buffer.getByte(start + length) == 0);
      String tag = buffer.toString(start, length, StandardCharsets.US_ASCII);
      require(type, isCommandTag(tag));
      head.recorded().result(tag);
    }
    if (head.kind() == Kind.QUERY) {
      head.recorded().statementDone();
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

  /** Words and counts; PostgreSQL documentation, "Message Formats", CommandComplete. */
  private static boolean isCommandTag(String tag) {
    for (int i = 0; i < tag.length(); i++) {
      char c = tag.charAt(i);
      if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '?')) {
        return false;
      }
    }
    return true;
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
      return scrubbed(BackendMessage.ERROR_RESPONSE, null, buffer, start, bodyBytes);
    }
    if (fatal) {
      session.targetEnds();
      return isOwn(head)
          ? Disposition.DROP
          : scrubbed(BackendMessage.ERROR_RESPONSE, head, buffer, start, bodyBytes);
    }
    copyEnds();
    if (head.kind() == Kind.SYNC) {
      // The commit that a Sync implies may fail: deferred constraints.
      return muted ? Disposition.DROP : passOrShorten(whole, head, buffer, start, bodyBytes);
    }
    boolean own = isOwn(head);
    // Recorded is what the client may see.
    ByteBuf instead =
        whole && !own
            ? session.scrubbed(
                BackendMessage.ERROR_RESPONSE, touchesMasked(head), buffer, start, bodyBytes)
            : null;
    recordFailure(head, whole, instead, buffer, start, bodyBytes);
    Disposition disposition = Disposition.DROP;
    ErrorReply replacement = replacement(head);
    if (own) {
      head.ownQuery().error();
    } else if (!muted && replacement != null) {
      framer.forwardPreceding();
      session.reply(replacement);
    } else if (!muted && whole) {
      disposition = replaced(instead);
      instead = null;
    } else if (!muted) {
      disposition = shorten();
    }
    if (instead != null) {
      instead.release();
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
      Entry head, boolean whole, ByteBuf instead, ByteBuf buffer, int start, int bodyBytes) {
    RecordedOperation recorded = head.recorded();
    if (instead != null) {
      recordFailure(
          recorded,
          instead,
          MessageFramer.HEADER_BYTES,
          instead.writerIndex() - MessageFramer.HEADER_BYTES);
    } else if (whole) {
      recordFailure(recorded, buffer, start, bodyBytes);
    } else {
      recorded.failed(SqlState.INTERNAL_ERROR, "an error too long to pass on");
    }
    if (head.kind() != Kind.QUERY) {
      recorded.complete(false);
    }
  }

  private static void recordFailure(
      RecordedOperation recorded, ByteBuf buffer, int start, int length) {
    recorded.failed(
        ErrorFields.sqlState(buffer, start, length), ErrorFields.message(buffer, start, length));
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

  private Disposition passOrShorten(
      boolean whole, Entry head, ByteBuf buffer, int start, int bodyBytes) {
    return whole
        ? scrubbed(BackendMessage.ERROR_RESPONSE, head, buffer, start, bodyBytes)
        : shorten();
  }

  private Disposition shorten() {
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
    // Whatever was begun is over with the query: the lines of its COPY are no answer to the next.
    copyEnds();
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
      touchesMasked = false;
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
      return replaced(session.setting(buffer, start, bodyBytes, valueStart, valueEnd));
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

  /** A count behind some bytes, and so many items of one size: nothing else fits in there. */
  private static void requireList(
      byte type, ByteBuf buffer, int start, int bodyBytes, int before, int itemBytes) {
    require(
        type,
        bodyBytes >= before + Short.BYTES
            && bodyBytes
                == before + Short.BYTES + itemBytes * buffer.getUnsignedShort(start + before));
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
