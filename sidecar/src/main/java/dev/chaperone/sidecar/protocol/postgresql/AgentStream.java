package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.recording.Event;
import dev.chaperone.recording.Facts;
import dev.chaperone.recording.Repeated;
import dev.chaperone.recording.Statement;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import dev.chaperone.sidecar.protocol.postgresql.MessageFramer.Disposition;
import dev.chaperone.sidecar.protocol.postgresql.ReplyLedger.Kind;
import dev.chaperone.sidecar.protocol.postgresql.StatementNames.Portal;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/**
 * What the agent sends, message by message, in the order it came.
 *
 * <pre>
 *            refused, session idle                       Sync (answered here)
 *   READY ------------------------------&gt; SKIPPING_HERE ---------------------&gt; READY
 *     |      refused, or the target failed               Sync (forwarded)
 *     +---------------------------------&gt; SKIPPING -------------------------&gt; READY
 *     |      CopyInResponse of the target                CopyDone, CopyFail, error
 *     +---------------------------------&gt; CopyIn ---------------------------&gt; READY
 * </pre>
 *
 * <p>In every state the stream may be blocked for a while: until a text is judged, until the target
 * answers what nothing may overtake. Nothing is processed meanwhile, and reading stops when what
 * waits passes a bound.
 */
final class AgentStream implements MessageFramer.Handler {
  /** A simple query that must fail: the target's grammar has no statement that begins so. */
  private static final String FAILING_QUERY = "refused_by_chaperone";

  private enum State {
    READY,
    SKIPPING_HERE,
    SKIPPING
  }

  private final ClientSession session;
  private final MessageFramer framer = new MessageFramer(this);
  private final ReplyLedger ledger;
  private final StatementNames names;
  private final Judge judge;
  private final MessageBounds bounds;
  private final Holding holding;
  private final ClientRecording recording;
  private final JudgementRecords records;
  private final FrontJudgements front;
  private final ContextChanges changes;
  private final CopyIn copyIn;

  private State state = State.READY;

  /** The request by which the front operation was approved; empty for none. */
  private String approvedBy = "";

  private boolean groupOpen;
  private long group;

  AgentStream(
      ClientSession session,
      ReplyLedger ledger,
      StatementNames names,
      Judge judge,
      Holding holding,
      ClientRecording recording,
      JudgementRecords records) {
    this.session = session;
    this.ledger = ledger;
    this.names = names;
    this.judge = judge;
    this.holding = holding;
    this.recording = recording;
    this.records = records;
    this.bounds = new MessageBounds(session::statementBytes, session::messageBytes);
    this.front = new FrontJudgements(judge, names, session::processAgent);
    this.changes = new ContextChanges(judge, names);
    this.copyIn = new CopyIn(session, framer, ledger, bounds);
  }

  MessageFramer framer() {
    return framer;
  }

  /** Whether nothing is open that a close would cut off. */
  boolean isBetweenGroups() {
    return !groupOpen
        && !copyIn.isPending()
        && !changes.isSettling()
        && !front.isAsking()
        && !holding.isWaiting()
        && !recording.isWaiting()
        && framer.pendingBytes() == 0;
  }

  /** Whether an operation waits for people. */
  boolean isHeld() {
    return holding.isHeld();
  }

  /** Nobody waits for the operation any more. */
  void abandonHeld() {
    holding.abandon();
  }

  /** Ends the wait for people, if there is one; returns whether there was. */
  boolean cancelHeld() {
    if (!holding.isHeld()) {
      return false;
    }
    holding.cancel(
        ErrorReply.error(
            SqlState.QUERY_CANCELED,
            "canceling statement due to user request",
            "Its request for approval stays open: send the operation again once it is approved."));
    return true;
  }

  /** What was judged is judged anew when it is shown again. */
  void forgetJudgements() {
    front.forget();
  }

  /** What was sent and may have changed what is in force. */
  ContextChanges changes() {
    return changes;
  }

  /** The target has answered all that was sent; see {@link ContextChanges#settled}. */
  void settled(boolean stillDisturbed) {
    changes.settled(stillDisturbed);
    session.processAgent();
  }

  /** The target waits for rows. */
  void targetCopiesIn() {
    state = State.READY;
    copyIn.begins();
  }

  /** The target does not wait for rows any more. */
  void copyEnded() {
    copyIn.ended();
  }

  /** The target failed and skips to the next Sync, which the client has not sent yet. */
  void targetSkipsToSync() {
    boolean syncIsThere = copyIn.isSyncAfterRows();
    copyIn.ended();
    state = State.SKIPPING;
    groupOpen = true;
    if (syncIsThere) {
      onSync();
      session.writeToTarget(MessageWriter::sync);
    }
  }

  @Override
  public boolean isBlocked() {
    return front.isAsking()
        || copyIn.isPending()
        || changes.isSettling()
        || holding.isWaiting()
        || recording.isWaiting()
        || session.isTargetBehind();
  }

  @Override
  public int requiredBytes(byte type, int bodyBytes) {
    return bounds.requiredBytes(type, bodyBytes);
  }

  @Override
  public Disposition onMessage(byte type, int bodyBytes, ByteBuf buffer, int start, int available) {
    Disposition disposition = judgeMessage(type, bodyBytes, buffer, start, available);
    if (disposition != Disposition.WAIT) {
      front.forget();
      recording.forget();
    }
    return disposition;
  }

  private Disposition judgeMessage(
      byte type, int bodyBytes, ByteBuf buffer, int start, int available) {
    if (type == FrontendMessage.TERMINATE) {
      session.agentTerminates();
      return Disposition.DROP;
    }
    if (copyIn.isUnderWay()) {
      return copyIn.onMessage(type, bodyBytes);
    }
    if (state != State.READY) {
      return onSkipped(type);
    }
    ErrorReply tooLong = bounds.isTooLong(type, bodyBytes) ? bounds.tooLong(type) : null;
    try {
      return onReady(type, bodyBytes, buffer, start, available, tooLong);
    } catch (MalformedMessage e) {
      session.metrics().protocolError();
      return refuse(type, e.reply());
    }
  }

  private Disposition onReady(
      byte type, int bodyBytes, ByteBuf buffer, int start, int available, ErrorReply tooLong)
      throws MalformedMessage {
    switch (type) {
      case FrontendMessage.COPY_DATA:
      case FrontendMessage.COPY_DONE:
      case FrontendMessage.COPY_FAIL:
        // What a client still sends after a COPY failed; the server ignores it too (postgres.c).
        return Disposition.DROP;
      case FrontendMessage.SYNC:
        return onSync();
      case FrontendMessage.FLUSH:
        return Disposition.FORWARD;
      case FrontendMessage.QUERY:
      case FrontendMessage.PARSE:
      case FrontendMessage.BIND:
      case FrontendMessage.DESCRIBE:
      case FrontendMessage.EXECUTE:
      case FrontendMessage.CLOSE:
        if (tooLong != null) {
          return refuse(type, tooLong);
        }
        if (changes.isSearchPathUnknown() && namesThings(type)) {
          return refuse(
              type,
              ErrorReply.error(
                  SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
                  "search path or role may have changed in the same group of messages",
                  "Send Sync first, and go on then."));
        }
        break;
      case FrontendMessage.FUNCTION_CALL:
        session.metrics().protocolError();
        return refuse(
            type,
            ErrorReply.error(
                SqlState.FEATURE_NOT_SUPPORTED,
                "function calls by message are not available through this gateway",
                "Call the function in a SELECT."));
      default:
        throw new ProtocolViolation(
            "message of type " + MessageFramer.printable(type) + " is not expected here");
    }
    BodyReader body = new BodyReader(buffer, start, available);
    switch (type) {
      case FrontendMessage.QUERY:
        return onQuery(buffer, start, bodyBytes, body);
      case FrontendMessage.PARSE:
        return onParse(buffer, body);
      case FrontendMessage.BIND:
        return onBind(buffer, body, start + bodyBytes, available == bodyBytes);
      case FrontendMessage.DESCRIBE:
        return onDescribe(body);
      case FrontendMessage.EXECUTE:
        return onExecute(body);
      default:
        return onClose(body);
    }
  }

  private static boolean namesThings(byte type) {
    return type == FrontendMessage.QUERY
        || type == FrontendMessage.PARSE
        || type == FrontendMessage.BIND;
  }

  private Disposition onQuery(ByteBuf buffer, int start, int bodyBytes, BodyReader body)
      throws MalformedMessage {
    body.skipCString();
    body.requireEnd();
    Judgement judgement = front.of(this, buffer, start, bodyBytes - 1);
    if (judgement == null) {
      return waitOrRefuse(FrontendMessage.QUERY, buffer, start, bodyBytes - 1);
    }
    List<Judgement> judgements = List.of(judgement);
    IntFunction<Repeated<Statement>> text =
        i ->
            records.statement(
                judgement, ByteBufUtil.getBytes(buffer, start, bodyBytes - 1, true), false);
    if (!recording.isAdmitted(judgements)) {
      Disposition stopped =
          stop(
              FrontendMessage.QUERY,
              judgement,
              () -> session.heldOperations().of(judgement, BoundParameters.NONE, recording),
              () -> text.apply(0));
      if (stopped != null) {
        return stopped;
      }
    }
    ClientRecording.Step step = record(judgements, text, RecordedBind.NONE);
    if (!(step instanceof ClientRecording.Step.GoOn recorded)) {
      front.keep(this, judgement);
      return notRecorded(FrontendMessage.QUERY, step, judgement, () -> text.apply(0));
    }
    groupOpen = false;
    changes.groupEnds();
    ResultGuard guard = ResultGuard.of(List.of(judgement));
    ledger
        .add(Kind.QUERY, ++group)
        .running(
            new RunningOperation(
                    judgement.context().ruling().rowLimit(),
                    judgement.has(Consequence.CHANGES_DATA),
                    guard)
                .recordedAs(recorded.operation()))
        .tellingColumns(recorded.operation()::columns)
        .touchingMasked(guard != null && guard.touches())
        .effects(judgement.effects())
        .copyingIn(judgement.has(Consequence.COPIES_IN));
    begin(judgement, recorded.operation());
    changes.settleIfDisturbed();
    return Disposition.FORWARD;
  }

  private Disposition onParse(ByteBuf buffer, BodyReader body) throws MalformedMessage {
    String name = body.readName();
    int textStart = body.position();
    int textLength = body.skipCString() - textStart;
    if (bounds.isTextTooLong(textLength)) {
      return refuse(FrontendMessage.PARSE, bounds.tooLong(FrontendMessage.PARSE));
    }
    boolean runsChecks = false;
    int typeCount = body.readShort();
    int[] types = typeCount == 0 ? PreparedStatement.NO_TYPES : new int[typeCount];
    for (int i = 0; i < typeCount; i++) {
      types[i] = body.readInt();
      runsChecks |= judge.runsChecks(Integer.toUnsignedLong(types[i]));
    }
    body.requireEnd();
    if (runsChecks) {
      return refuse(
          FrontendMessage.PARSE,
          Refusals.guarded(
              session.gate(),
              "the type of a parameter runs functions when a value is read or cast",
              "Leave the parameter's type out, or give it a built-in one."));
    }
    Judgement judgement = front.of(this, buffer, textStart, textLength);
    if (judgement == null) {
      return waitOrRefuse(FrontendMessage.PARSE, buffer, textStart, textLength);
    }
    Optional<ErrorReply> refusal = Refusals.announced(session.gate(), judgement);
    if (refusal.isPresent()) {
      return refuse(
          FrontendMessage.PARSE,
          refusal.get(),
          records.facts(judgement),
          records.statement(
              judgement, ByteBufUtil.getBytes(buffer, textStart, textLength, true), false));
    }
    if (!names.hasRoomFor(textLength)) {
      return refuse(
          FrontendMessage.PARSE,
          ErrorReply.error(
              SqlState.CONFIGURATION_LIMIT_EXCEEDED,
              "too many prepared statements on this connection",
              "Close prepared statements that are not used any more."));
    }
    byte[] text = ByteBufUtil.getBytes(buffer, textStart, textLength, true);
    PreparedStatement statement = new PreparedStatement(name, text, types, judgement);
    names.parsing(statement);
    send(Kind.PARSE).changing(statement);
    return Disposition.FORWARD;
  }

  private Disposition onBind(ByteBuf buffer, BodyReader body, int end, boolean complete)
      throws MalformedMessage {
    String portalName = body.readName();
    String statementName = body.readName();
    int valuesStart = body.position();
    if (complete) {
      requireBindShape(body);
    }
    List<PreparedStatement> candidates = names.candidates(statementName);
    if (candidates.isEmpty()) {
      return refuse(
          FrontendMessage.BIND,
          ErrorReply.error(
              SqlState.INVALID_STATEMENT_NAME,
              statementName.isEmpty()
                  ? "unnamed prepared statement does not exist"
                  : "prepared statement \"" + statementName + "\" does not exist"));
    }
    List<Judgement> judgements = front.of(candidates);
    if (judgements.isEmpty()) {
      return waitOrRefuse(FrontendMessage.BIND);
    }
    boolean admitted = recording.isAdmitted(judgements);
    for (int i = 0; i < judgements.size() && !admitted; i++) {
      Judgement judgement = judgements.get(i);
      PreparedStatement candidate = candidates.get(i);
      if (judgement.needsApproval() && judgements.size() > 1) {
        return refuse(
            FrontendMessage.BIND,
            ErrorReply.error(
                SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
                "this operation needs approval, and another statement of its name is on its way",
                "Send Sync after each Parse and Close, or use another name."));
      }
      Optional<BoundParameters> values =
          judgement.needsApproval() && complete
              ? Optional.of(
                  BoundParameters.read(
                      buffer,
                      new BodyReader(buffer, valuesStart, end - valuesStart),
                      candidate.parameterTypes()))
              : Optional.empty();
      Disposition stopped =
          stop(
              FrontendMessage.BIND,
              judgement,
              () ->
                  values.flatMap(bound -> session.heldOperations().of(judgement, bound, recording)),
              () -> candidate.remembered(judgement, records));
      if (stopped != null) {
        return stopped;
      }
    }
    if (!portalName.isEmpty() && !names.hasRoomFor(0)) {
      return refuse(
          FrontendMessage.BIND,
          ErrorReply.error(
              SqlState.CONFIGURATION_LIMIT_EXCEEDED, "too many portals on this connection"));
    }
    PreparedStatement first = candidates.get(0);
    RecordedBind bound =
        RecordedBind.read(
            buffer,
            valuesStart,
            body.end(),
            first.parameterTypes(),
            records.concealedParameters(judgements.get(0)));
    ClientRecording.Step step =
        record(judgements, i -> candidates.get(i).remembered(judgements.get(i), records), bound);
    if (!(step instanceof ClientRecording.Step.GoOn recorded)) {
      for (int i = 0; i < judgements.size(); i++) {
        front.keep(candidates.get(i), judgements.get(i));
      }
      return notRecorded(
          FrontendMessage.BIND,
          step,
          judgements.get(0),
          () -> first.remembered(judgements.get(0), records));
    }
    ResultGuard guard = ResultGuard.of(judgements);
    RunningOperation operation =
        new RunningOperation(
                judgements.get(0).context().ruling().rowLimit(), changeData(judgements), guard)
            .recordedAs(recorded.operation().of(first, bound.formats()));
    if (guard != null && complete && candidates.size() == 1) {
      describeEarly(
          operation,
          first.layout(judgements.get(0).context()),
          new BodyReader(buffer, valuesStart, end - valuesStart));
    }
    names.bind(portalName, new Portal(operation, judgements, texts(candidates), group, false));
    send(Kind.BIND)
        .recordedAs(recorded.operation())
        .touchingMasked(guard != null && guard.touches());
    return Disposition.FORWARD;
  }

  /** Where the statement was described before, the portal has its columns in Bind's formats. */
  private void describeEarly(RunningOperation operation, RowLayout layout, BodyReader values)
      throws MalformedMessage {
    if (layout == null || !operation.guard().wantsDescription()) {
      return;
    }
    values.skip(Math.multiplyExact(values.readShort(), Short.BYTES));
    int parameters = values.readShort();
    for (int i = 0; i < parameters; i++) {
      values.skip(Math.max(values.readInt(), 0));
    }
    int[] formats = new int[values.readShort()];
    for (int i = 0; i < formats.length; i++) {
      formats[i] = values.readShort();
    }
    RowLayout inFormats = layout.inFormats(formats);
    if (inFormats != null) {
      session.describe(operation, inFormats).ifPresent(operation::abort);
    }
  }

  /**
   * What becomes of an operation that was judged where it does not simply go on; null where it
   * does.
   */
  private Disposition stop(
      byte type, Judgement judgement, Holding.Source source, Supplier<Repeated<Statement>> text) {
    approvedBy = "";
    if (judgement.needsApproval() && !Refusals.isUnfit(judgement)) {
      Holding.Outcome outcome = holding.admit(judgement, source);
      if (outcome instanceof Holding.Outcome.Wait) {
        // By the time it is shown again, something else may be in force.
        front.forget();
        return Disposition.WAIT;
      }
      if (outcome instanceof Holding.Outcome.Refuse refused) {
        return refuse(type, refused.reply(), records.facts(judgement), text.get());
      }
      approvedBy = ((Holding.Outcome.Pass) outcome).release().request();
      return null;
    }
    holding.abandon();
    Optional<ErrorReply> refusal = Refusals.admitted(session.gate(), judgement);
    return refusal.isPresent()
        ? refuse(type, refusal.get(), records.facts(judgement), text.get())
        : null;
  }

  /**
   * Records an operation that passes. Where a name may stand for several statements each of them is
   * recorded; the answer belongs to the last.
   */
  private ClientRecording.Step record(
      List<Judgement> judgements, IntFunction<Repeated<Statement>> text, RecordedBind bound) {
    int last = judgements.size() - 1;
    for (int i = 0; i < last && !recording.isAdmitted(judgements); i++) {
      recording.alternative(requested(judgements.get(i), text.apply(i), bound, approvedBy));
    }
    return recording.request(
        judgements.get(last).context().ruling().connection().recording(),
        judgements,
        approvedBy,
        approval -> requested(judgements.get(last), text.apply(last), bound, approval));
  }

  private Event.OperationRequested requested(
      Judgement judgement, Repeated<Statement> text, RecordedBind bound, String approval) {
    return new Event.OperationRequested(
        recording.client(),
        Event.Verdict.ALLOWED,
        "",
        records.facts(judgement),
        text,
        bound.values(),
        bound.omitted(),
        approval,
        Optional.empty());
  }

  private Disposition notRecorded(
      byte type,
      ClientRecording.Step step,
      Judgement judgement,
      Supplier<Repeated<Statement>> text) {
    return step instanceof ClientRecording.Step.Refuse refused
        ? refuse(type, refused.reply(), records.facts(judgement), text.get())
        : Disposition.WAIT;
  }

  private static boolean changeData(List<Judgement> judgements) {
    for (Judgement judgement : judgements) {
      if (judgement.has(Consequence.CHANGES_DATA)) {
        return true;
      }
    }
    return false;
  }

  private static List<byte[]> texts(List<PreparedStatement> candidates) {
    return candidates.size() == 1
        ? List.of(candidates.get(0).text())
        : candidates.stream().map(PreparedStatement::text).toList();
  }

  private static void requireBindShape(BodyReader body) throws MalformedMessage {
    body.skip(Math.multiplyExact(body.readShort(), Short.BYTES));
    int parameters = body.readShort();
    for (int i = 0; i < parameters; i++) {
      int length = body.readInt();
      if (length != -1) {
        body.skip(length);
      }
    }
    body.skip(Math.multiplyExact(body.readShort(), Short.BYTES));
    body.requireEnd();
  }

  private Disposition onDescribe(BodyReader body) throws MalformedMessage {
    byte what = body.readByte();
    String name = body.readName();
    body.requireEnd();
    if (what == 'S') {
      ReplyLedger.Entry entry = send(Kind.DESCRIBE_STATEMENT);
      List<PreparedStatement> candidates = names.candidates(name);
      if (candidates.size() == 1) {
        entry.tellingColumns(candidates.get(0)::columns);
        if (judge.isMasking()) {
          entry.describing(new StatementDescription(candidates.get(0), judge.context()));
        }
      }
      return Disposition.FORWARD;
    }
    ReplyLedger.Entry entry = send(portalKind(what, Kind.DESCRIBE_PORTAL));
    Portal portal = names.portal(name);
    if (portal != null) {
      entry.tellingColumns(portal.operation().recorded()::columns);
      if (portal.operation().guard() != null) {
        portal.operation().guard().asked();
        entry.running(portal.operation()).describing(portal.operation().guard());
      }
    }
    return Disposition.FORWARD;
  }

  /** Asks what a portal's columns are, where rows may not pass otherwise and nobody has asked. */
  private void describe(String name, RunningOperation operation) {
    if (operation.guard() == null || !operation.guard().wantsDescription()) {
      return;
    }
    framer.forwardPreceding();
    operation.guard().asked();
    send(Kind.DESCRIBE_PORTAL)
        .running(operation)
        .tellingColumns(operation.recorded()::columns)
        .describing(operation.guard())
        .hidden();
    session.writeToTarget(out -> MessageWriter.describePortal(out, name));
  }

  private Disposition onClose(BodyReader body) throws MalformedMessage {
    byte what = body.readByte();
    String name = body.readName();
    body.requireEnd();
    if (what == 'S') {
      send(Kind.CLOSE).changing(new StatementNames.ClosedStatement(name));
    } else {
      ReplyLedger.Entry entry = send(portalKind(what, Kind.CLOSE));
      Portal portal = names.portal(name);
      if (portal != null && !name.isEmpty()) {
        entry.changing(new StatementNames.ClosedPortal(name, portal));
      }
    }
    return Disposition.FORWARD;
  }

  private static Kind portalKind(byte what, Kind kind) throws MalformedMessage {
    if (what != 'P') {
      throw new MalformedMessage(SqlState.PROTOCOL_VIOLATION, "invalid message subtype");
    }
    return kind;
  }

  private Disposition onExecute(BodyReader body) throws MalformedMessage {
    String name = body.readName();
    body.readInt();
    body.requireEnd();
    Portal portal = names.portal(name);
    if (portal == null) {
      return refuse(
          FrontendMessage.EXECUTE,
          ErrorReply.error(SqlState.INVALID_CURSOR_NAME, "portal \"" + name + "\" does not exist"));
    }
    if (portal.operation().aborted() != null) {
      return refuse(FrontendMessage.EXECUTE, portal.operation().aborted());
    }
    describe(name, portal.operation());
    changes.executes();
    ResultGuard guard = portal.operation().guard();
    ReplyLedger.Entry entry =
        send(Kind.EXECUTE)
            .running(portal.operation())
            .touchingMasked(guard != null && guard.touches());
    for (Judgement judgement : portal.judgements()) {
      entry.effects(judgement.effects()).copyingIn(judgement.has(Consequence.COPIES_IN));
      begin(judgement, portal.operation().recorded());
    }
    return Disposition.FORWARD;
  }

  private Disposition onSync() {
    ledger.add(Kind.SYNC, group++);
    groupOpen = false;
    changes.groupEnds();
    state = State.READY;
    changes.settleIfDisturbed();
    return Disposition.FORWARD;
  }

  private Disposition onSkipped(byte type) {
    switch (type) {
      case FrontendMessage.SYNC:
        if (state == State.SKIPPING) {
          return onSync();
        }
        state = State.READY;
        session.replyReady();
        return Disposition.DROP;
      case FrontendMessage.QUERY:
      case FrontendMessage.PARSE:
      case FrontendMessage.BIND:
      case FrontendMessage.DESCRIBE:
      case FrontendMessage.EXECUTE:
      case FrontendMessage.CLOSE:
      case FrontendMessage.FLUSH:
      case FrontendMessage.FUNCTION_CALL:
      case FrontendMessage.COPY_DATA:
      case FrontendMessage.COPY_DONE:
      case FrontendMessage.COPY_FAIL:
        return Disposition.DROP;
      default:
        throw new ProtocolViolation(
            "message of type " + MessageFramer.printable(type) + " is not expected here");
    }
  }

  /**
   * Refuses a message: the client gets the error, and the target is brought into the state the
   * client then sees. Where nothing is open the answer is given here. Everywhere else a message
   * that must fail goes in its place, so that the target itself undoes what it would have undone
   * had it refused.
   */
  private Disposition refuse(byte type, ErrorReply reply) {
    return refuse(type, reply, Facts.NONE, Statement.NONE);
  }

  private Disposition refuse(
      byte type, ErrorReply reply, Repeated<Facts> facts, Repeated<Statement> text) {
    recording.refused(reply, facts, text);
    framer.forwardPreceding();
    boolean simple = type == FrontendMessage.QUERY || type == FrontendMessage.FUNCTION_CALL;
    if (session.isQuiet() && !groupOpen) {
      session.reply(reply);
      if (simple) {
        session.replyReady();
      } else {
        state = State.SKIPPING_HERE;
      }
    } else if (simple) {
      ledger.add(Kind.QUERY, ++group).mustFail(reply);
      session.writeToTarget(out -> MessageWriter.query(out, FAILING_QUERY));
      groupOpen = false;
    } else {
      send(Kind.EXECUTE).mustFail(reply);
      session.writeToTarget(out -> MessageWriter.execute(out, session.impossiblePortal()));
      state = State.SKIPPING;
    }
    return Disposition.DROP;
  }

  private Disposition waitOrRefuse(byte type) {
    return front.unreadable() == null ? Disposition.WAIT : refuse(type, front.unreadable());
  }

  private Disposition waitOrRefuse(byte type, ByteBuf buffer, int start, int length) {
    return front.unreadable() == null
        ? Disposition.WAIT
        : refuse(
            type,
            front.unreadable(),
            Facts.NONE,
            JudgementRecords.unreadable(ByteBufUtil.getBytes(buffer, start, length, true)));
  }

  private ReplyLedger.Entry send(Kind kind) {
    groupOpen = true;
    return ledger.add(kind, group);
  }

  @Override
  public void forward(ByteBuf messages) {
    session.writeToTarget(messages);
  }

  /** Takes note of what a statement that is now sent may change. */
  private void begin(Judgement judgement, RecordedOperation recorded) {
    if (judgement.has(Consequence.COPIES_IN)) {
      copyIn.announced();
    }
    changes.sent(judgement, group, recorded);
  }
}
