package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.ProtectedColumns;
import dev.chaperone.sidecar.gateway.ClientConnection;
import dev.chaperone.sidecar.gateway.ConnectionMetrics;
import dev.chaperone.sidecar.gateway.Gate;
import dev.chaperone.sidecar.gateway.GuardedConnection;
import dev.chaperone.sidecar.gateway.Session;
import dev.chaperone.sidecar.protocol.postgresql.ReplyLedger.Kind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One client connection and its connection to the target, on one event loop. Joins the two streams,
 * keeps them in step, applies back-pressure both ways and ends both together.
 *
 * <p>Back-pressure: while one side cannot take more, the other side is not read. What the agent
 * sends while it has to wait is read into a bounded buffer, so that its Terminate and its end are
 * seen.
 */
final class ClientSession implements ClientConnection {
  private static final System.Logger LOGGER = System.getLogger(ClientSession.class.getName());

  /** What the agent may send ahead while an operation of its own is decided or held, in bytes. */
  private static final int WAITING_BYTES = 256 << 10;

  /** Rows that are written anew are passed on in pieces of about so many bytes. */
  private static final int TAIL_BYTES = 32 << 10;

  /** Answers the target may owe before the agent is not listened to, in messages. */
  private static final int MAX_OUTSTANDING = 20_000;

  /** How long an agent that said good-bye may take to read what it asked for before. */
  private static final int LEAVE_SECONDS = 10;

  private static final String SHOW_ROLE = "SHOW role";
  private static final String SHOW_SEARCH_PATH = "SHOW search_path";

  private final Channel agent;
  private final TargetConnection target;
  private final GuardedConnection connection;
  private final SharedTarget shared;
  private final ReplyLedger ledger = new ReplyLedger();
  private final StatementNames names = new StatementNames();
  private final Judge judge;
  private final AgentStream agentStream;
  private final TargetStream targetStream;
  private final ResultMasks masks;
  private final ErrorScrubber errors;
  private final ClientRecording recording;

  private final ClientCatalog clientCatalog;
  private String sessionUser;
  private boolean agentDirty;

  /** Rows that were written anew and not passed on yet; null for none. */
  private ByteBuf tail;

  private boolean targetDirty;

  private final Runnable passOn = this::passOn;
  private boolean passingOn;

  private boolean flushRequested;
  private boolean cancelling;

  /** The agent said good-bye: nothing more is taken from it, but what it asked for is answered. */
  private boolean leaving;

  /** Nothing more is taken from either side. */
  private boolean ended;

  /** The agent was sent the last it will see. */
  private boolean closing;

  private CloseReason draining;

  /** What the recording says of why the client is gone. */
  private String endReason = "the client closed the connection";

  ClientSession(Channel agent, TargetConnection target, SharedTarget shared) {
    this.agent = agent;
    this.target = target;
    this.connection = shared.connection();
    this.shared = shared;
    this.sessionUser = target.sessionUser();
    this.clientCatalog = new ClientCatalog(this, shared.catalogMonitor());
    this.judge = shared.newJudge(agent.eventLoop(), clientCatalog::inForce);
    this.recording =
        new ClientRecording(
            connection.recorder(),
            agent.eventLoop(),
            target.parameters().getOrDefault("application_name", ""),
            this::processAgent);
    this.agentStream =
        new AgentStream(
            this,
            ledger,
            names,
            judge,
            new Holding(this, shared.desk(), agent.eventLoop()),
            recording,
            shared.newJudgementRecords());
    this.targetStream = new TargetStream(this, ledger, names);
    this.masks = new ResultMasks(shared.maskKey());
    this.errors = new ErrorScrubber(masks);
  }

  /**
   * Takes over both channels: the target is logged in to, the agent waits for the first
   * ReadyForQuery.
   *
   * @param greeting what the agent is sent before that ReadyForQuery; taken over
   */
  void start(ByteBuf greeting) {
    agent.pipeline().addLast("agent", new AgentHandler());
    target.channel().pipeline().addLast("target", new TargetHandler());
    if (!agent.isActive() || !target.channel().isActive()) {
      greeting.release();
      closeBoth();
      return;
    }
    agent.write(greeting);
    ask(
        List.of(SHOW_ROLE, SHOW_SEARCH_PATH, TargetCatalog.SERVER),
        "the session's role, search path and server could not be read",
        values -> {
          contextIs(values.get(0), values.get(1));
          clientCatalog.confirm(values.get(2), this::begin);
        });
    target.channel().config().setAutoRead(true);
  }

  private void begin() {
    replyReady();
    agentStream.settled(false);
    if (draining != null) {
      drainIfQuiet();
    }
    flush();
  }

  // ---- what the streams ask for

  AgentStream agentStream() {
    return agentStream;
  }

  /** The process id of the backend that works for this client. */
  int processId() {
    return target.processId();
  }

  Session session() {
    return connection.session();
  }

  HeldOperations heldOperations() {
    return shared.heldOperations();
  }

  Gate gate() {
    return connection.gate();
  }

  ConnectionMetrics metrics() {
    return connection.metrics();
  }

  int statementBytes() {
    return Math.toIntExact(connection.ruling().connection().bounds().statementBytes());
  }

  int messageBytes() {
    return Math.toIntExact(connection.ruling().connection().bounds().messageBytes());
  }

  /** Whether the target owes no answer and no transaction is open that could be undone. */
  boolean isQuiet() {
    return ledger.isEmpty() && targetStream.status() != TransactionStatus.IN_TRANSACTION;
  }

  /** Whether the target has answered all that was sent. */
  boolean isAnswered() {
    return ledger.isEmpty();
  }

  /** Has the target answer what it was sent, though the client has not asked for it yet. */
  void askForAnswers() {
    agentStream.framer().forwardPreceding();
    writeToTarget(MessageWriter::flush);
  }

  /** What the next operation would be part of; once {@link #isAnswered()}. */
  TransactionState transactionState() {
    return agentStream.changes().transactionState(targetStream.status());
  }

  /** Whether nothing more may be sent to the target for now. */
  boolean isTargetBehind() {
    if (cancelling || leaving || ended) {
      return true;
    }
    if (ledger.size() < MAX_OUTSTANDING) {
      return false;
    }
    if (!flushRequested) {
      // A client may send ahead as much as it likes without asking for answers. Ask for them.
      flushRequested = true;
      writeToTarget(MessageWriter::flush);
    }
    return true;
  }

  /** The name of a portal that no client can have bound. */
  String impossiblePortal() {
    return shared.impossiblePortal();
  }

  // Nobody waits for a write: one that fails is told to exceptionCaught, which ends the session.

  void writeToTarget(ByteBuf messages) {
    targetDirty = true;
    target.channel().write(messages, target.channel().voidPromise());
  }

  void writeToTarget(Consumer<ByteBuf> writer) {
    ByteBuf out = target.channel().alloc().buffer(64);
    writer.accept(out);
    writeToTarget(out);
  }

  void writeToAgent(ByteBuf messages) {
    if (closing) {
      messages.release();
      return;
    }
    writeTail();
    agentDirty = true;
    agent.write(messages, agent.voidPromise());
  }

  /** Where rows that are written anew are put; passed on before anything else. */
  ByteBuf agentTail() {
    if (tail != null && tail.readableBytes() >= TAIL_BYTES) {
      writeTail();
    }
    if (tail == null) {
      tail = agent.alloc().buffer(TAIL_BYTES + TAIL_BYTES / 4);
    }
    return tail;
  }

  private void writeTail() {
    if (tail == null) {
      return;
    }
    ByteBuf rows = tail;
    tail = null;
    if (closing) {
      rows.release();
    } else {
      agentDirty = true;
      agent.write(rows, agent.voidPromise());
    }
  }

  // ---- masks

  ResultMasks masks() {
    return masks;
  }

  Catalog catalog() {
    return judge.context().session().catalog();
  }

  /**
   * Takes note of the columns of an operation's result; an error where they are not what was
   * foreseen.
   */
  Optional<ErrorReply> describe(RunningOperation operation, RowLayout layout) {
    Optional<ErrorReply> wrong = masks.describe(operation.guard(), layout, catalog());
    if (wrong.isEmpty()) {
      operation.recorded().shown(operation.guard().shown());
    }
    return wrong;
  }

  /**
   * An error or notice without what may show masked values; null where it may pass as it is.
   *
   * @param touches whether it belongs to what has to do with relations that have masked columns
   */
  ByteBuf scrubbed(byte type, boolean touches, ByteBuf buffer, int start, int length) {
    Masks inForce = connection.ruling().masks();
    if (inForce.isEmpty() && !touches) {
      return null;
    }
    ProtectedColumns columns = judge.context().session().protectedColumns();
    if (touches || ErrorScrubber.isAbout(buffer, start, length, columns)) {
      return ErrorScrubber.withheld(agent.alloc(), type, buffer, start, length, catalog());
    }
    return errors.detected(agent.alloc(), type, buffer, start, length, inForce, catalog());
  }

  /** A notification without what may show masked values; null where it may pass as it is. */
  ByteBuf notification(ByteBuf buffer, int start, int length) {
    Masks inForce = connection.ruling().masks();
    return inForce.isEmpty()
        ? null
        : SideChannels.notification(
            agent.alloc(), masks, inForce, catalog(), buffer, start, length);
  }

  /** A setting's value without what detectors recognise; null where it may pass as it is. */
  ByteBuf setting(ByteBuf buffer, int start, int length, int valueStart, int valueEnd) {
    Masks inForce = connection.ruling().masks();
    return inForce.detectors().isEmpty()
        ? null
        : SideChannels.setting(
            agent.alloc(), masks, inForce, catalog(), buffer, start, length, valueStart, valueEnd);
  }

  /** A row description without what detectors recognise in names; null where it may pass. */
  ByteBuf columnNames(ByteBuf buffer, int start, int length) {
    Masks inForce = connection.ruling().masks();
    return inForce.detectors().isEmpty()
        ? null
        : SideChannels.columnNames(agent.alloc(), masks, inForce, catalog(), buffer, start, length);
  }

  /** Tells the agent of an error of the gateway's own. */
  void reply(ErrorReply error) {
    ByteBuf out = agent.alloc().buffer(256);
    MessageWriter.errorResponse(out, error);
    writeToAgent(out);
  }

  /** Tells the agent something that is no error; only once {@link #isAnswered()}. */
  void notice(String message, String detail, String hint) {
    ByteBuf out = agent.alloc().buffer(512);
    MessageWriter.noticeResponse(out, message, detail, hint);
    writeToAgent(out);
    flush();
  }

  /** The message that waited for people is judged anew. */
  void judgeAgain() {
    agentStream.forgetJudgements();
    processAgent();
  }

  /** Tells the agent that the session is ready, where the target was not asked. */
  void replyReady() {
    ByteBuf out = agent.alloc().buffer(6);
    MessageWriter.readyForQuery(out, targetStream.status().code());
    writeToAgent(out);
    if (draining != null) {
      agent.eventLoop().execute(this::drainIfQuiet);
    }
  }

  /** Goes on with what the agent sent. */
  void processAgent() {
    guarded(
        () -> {
          agentStream.framer().run();
          passOn();
        });
  }

  /** Cancels what the target is doing; nothing is sent to it until it has taken notice. */
  void cancelTarget() {
    cancelling = true;
    cancelUpstream()
        .addListener(
            done ->
                agent
                    .eventLoop()
                    .execute(
                        () -> {
                          cancelling = false;
                          processAgent();
                        }));
  }

  /** The agent asks to cancel what it is doing; from any thread. */
  Future<Void> cancelRequested() {
    Promise<Void> done = agent.eventLoop().newPromise();
    agent
        .eventLoop()
        .execute(
            () -> {
              if (agentStream.cancelHeld()) {
                done.trySuccess(null);
              } else {
                cancelUpstream().addListener(sent -> done.trySuccess(null));
              }
            });
    return done;
  }

  private Future<Void> cancelUpstream() {
    return shared.canceller().cancel(target);
  }

  /** Brings the target's open transaction to fail; its error is not passed on. */
  void failTransaction() {
    ErrorReply unseen = ErrorReply.error(SqlState.INTERNAL_ERROR, "");
    ledger.add(Kind.EXECUTE, -1).mustFail(unseen);
    ledger.add(Kind.SYNC, -1);
    writeToTarget(
        out -> {
          MessageWriter.execute(out, impossiblePortal());
          MessageWriter.sync(out);
        });
  }

  /** The target reported a setting. */
  void parameterStatus(String name, String value) {
    if (name.equals("session_authorization")) {
      sessionUser = value;
    }
    if ((name.equals("client_encoding") && !value.equals("UTF8"))
        || (name.equals("standard_conforming_strings") && !value.equals("on"))) {
      throw new ProtocolViolation(
          "target: setting " + name + " was changed to one that statements cannot be read under");
    }
  }

  /** The target is ready for the next operation. */
  void readyForQuery() {
    if (!ledger.isEmpty()) {
      return;
    }
    if (leaving) {
      // Behind this ReadyForQuery.
      agent.eventLoop().execute(this::leave);
      return;
    }
    if (targetStream.status() == TransactionStatus.IDLE) {
      agentStream.changes().transactionEnded();
    }
    if (agentStream.changes().isSettling()) {
      settle();
    } else if (draining != null) {
      drainIfQuiet();
    }
  }

  /** The target closes the connection after the error it just sent. */
  void targetEnds() {
    ended = true;
  }

  /** The agent said good-bye. What it asked for before is still answered, as the server does. */
  void agentTerminates() {
    leaving = true;
    agentStream.abandonHeld();
    agentStream.framer().forwardPreceding();
    ByteBuf out = target.channel().alloc().buffer(5);
    MessageWriter.terminate(out);
    if (ledger.isEmpty()) {
      target.channel().writeAndFlush(out).addListener(done -> leave());
    } else {
      writeToTarget(out);
    }
  }

  /** All is answered: the agent has a while to take it. */
  private void leave() {
    if (ended) {
      return;
    }
    writeTail();
    ended = true;
    closing = true;
    target.channel().close();
    closeOnceSent(LEAVE_SECONDS);
  }

  /** Tells the agent why and ends both connections. */
  void end(ErrorReply reason) {
    if (closing) {
      return;
    }
    ended = true;
    endReason = reason.message();
    agentStream.abandonHeld();
    if (!ledger.isEmpty()) {
      cancelUpstream();
    }
    reply(reason);
    closing = true;
    // An agent that does not read does not keep the target's connection open.
    closeOnceSent(1);
  }

  private void closeOnceSent(int seconds) {
    agent
        .writeAndFlush(Unpooled.EMPTY_BUFFER)
        .addListener(done -> agent.eventLoop().execute(this::closeBoth));
    agent.eventLoop().schedule(this::closeBoth, seconds, TimeUnit.SECONDS);
  }

  // ---- settling: what is in force after a statement that may have changed it

  private void settle() {
    if (targetStream.status() == TransactionStatus.FAILED) {
      // Nothing runs until the transaction is over; it is asked again then. Not at once: what the
      // agent sent ahead may be answered here, and the ReadyForQuery at hand goes first.
      agent.eventLoop().execute(() -> guarded(() -> agentStream.settled(true)));
      return;
    }
    if (targetStream.status() == TransactionStatus.IDLE
        && agentStream.changes().isCatalogChanged()) {
      clientCatalog.refresh(this::settleContext);
    } else {
      settleContext();
    }
  }

  private void settleContext() {
    askContext(
        () -> agentStream.settled(targetStream.status() == TransactionStatus.IN_TRANSACTION));
  }

  /** Asks the target for role and search path. */
  private void askContext(Runnable then) {
    ask(
        List.of(SHOW_ROLE, SHOW_SEARCH_PATH),
        "the session's role and search path could not be read",
        values -> {
          contextIs(values.get(0), values.get(1));
          then.run();
        });
  }

  private void contextIs(String currentRole, String searchPath) {
    String role = currentRole.equals("none") ? sessionUser : currentRole;
    judge.sessionIs(
        role,
        SearchPath.parse(searchPath, role),
        targetStream.status() == TransactionStatus.IN_TRANSACTION);
  }

  /**
   * Asks the target on the client's own connection, all in one transaction.
   *
   * @param questions constants of the gateway's, each with one value for an answer
   * @param otherwise what the client is told where there is no answer; the session ends then
   */
  void ask(List<String> questions, String otherwise, Consumer<List<String>> then) {
    OwnQuery query =
        new OwnQuery(
            new OwnQuery.Listener() {
              @Override
              public void answered(List<String> values) {
                if (values.size() == questions.size()) {
                  then.accept(values);
                } else {
                  failed();
                }
              }

              @Override
              public void failed() {
                end(ErrorReply.fatal(SqlState.CANNOT_CONNECT_NOW, otherwise));
              }
            });
    String name = impossiblePortal();
    for (String sql : questions) {
      for (Kind kind : List.of(Kind.PARSE, Kind.BIND, Kind.EXECUTE, Kind.CLOSE, Kind.CLOSE)) {
        ledger.add(kind, -1).own(query);
      }
      writeToTarget(
          out -> {
            MessageWriter.parse(out, name, sql);
            MessageWriter.bind(out, name, name);
            MessageWriter.execute(out, name);
            MessageWriter.closePortal(out, name);
            MessageWriter.closeStatement(out, name);
          });
    }
    ledger.add(Kind.SYNC, -1).own(query);
    writeToTarget(MessageWriter::sync);
    flush();
  }

  /** Does this as the next thing on the session's event loop, unless the session has ended. */
  void later(Runnable work) {
    agent
        .eventLoop()
        .execute(
            () -> {
              if (!ended) {
                guarded(work);
              }
            });
  }

  // ---- ends

  @Override
  public void drain(CloseReason reason) {
    agent
        .eventLoop()
        .execute(
            () -> {
              draining = reason;
              drainIfQuiet();
            });
  }

  private void drainIfQuiet() {
    if (agentStream.isHeld()) {
      // A person may take longer than a shutdown can wait.
      close(draining);
    } else if (ledger.isEmpty()
        && targetStream.status() == TransactionStatus.IDLE
        && agentStream.isBetweenGroups()) {
      close(draining);
    }
  }

  @Override
  public void close(CloseReason reason) {
    agent
        .eventLoop()
        .execute(
            () ->
                end(
                    ErrorReply.fatal(
                        SqlState.ADMIN_SHUTDOWN, "terminating connection: " + reason.message())));
  }

  private void closeBoth() {
    ended = true;
    flushTarget();
    agent.close();
    target.channel().close();
  }

  private void guarded(Runnable work) {
    try {
      work.run();
    } catch (ProtocolViolation violation) {
      metrics().protocolError();
      LOGGER.log(
          System.Logger.Level.WARNING,
          "protocol violation connection={0} cause=\"{1}\"",
          connection.name(),
          violation.getMessage());
      end(
          ErrorReply.fatal(
              SqlState.PROTOCOL_VIOLATION,
              violation.getMessage().startsWith("target: ")
                  ? "the target's answer was not understood"
                  : violation.getMessage()));
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.ERROR, "session failed connection=" + connection.name(), e);
      end(ErrorReply.fatal(SqlState.INTERNAL_ERROR, "the gateway failed; nothing was forwarded"));
    }
  }

  /**
   * Sends what was written once all that arrived with it is judged, other clients' messages
   * included: what reads, what judges and what sends is each in the processor's caches then.
   */
  private void passOnSoon() {
    if (!passingOn) {
      passingOn = true;
      agent.eventLoop().execute(passOn);
    }
  }

  private void passOn() {
    passingOn = false;
    flush();
    updateReading();
  }

  private void flush() {
    writeTail();
    flushTarget();
    if (agentDirty) {
      agentDirty = false;
      agent.flush();
    }
  }

  /** What was let pass and recorded is sent, whatever comes after it. */
  private void flushTarget() {
    if (targetDirty) {
      targetDirty = false;
      target.channel().flush();
    }
  }

  private void updateReading() {
    boolean readAgent =
        target.channel().isWritable()
            && agent.isWritable()
            && (leaving
                || !agentStream.isBlocked()
                || agentStream.framer().pendingBytes() < WAITING_BYTES);
    setAutoRead(agent, readAgent);
    setAutoRead(target.channel(), agent.isWritable());
  }

  private static void setAutoRead(Channel channel, boolean read) {
    if (channel.config().isAutoRead() != read) {
      channel.config().setAutoRead(read);
    }
  }

  /** Reads the agent's side. */
  private final class AgentHandler extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      if (leaving || ended) {
        ReferenceCountUtil.release(message);
        return;
      }
      guarded(
          () -> {
            agentStream.framer().append(ctx.alloc(), (ByteBuf) message);
            if (agentStream.isHeld() && agentStream.framer().holds(FrontendMessage.TERMINATE)) {
              agentTerminates();
            } else {
              agentStream.framer().run();
            }
          });
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      passOnSoon();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
      updateReading();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      ended = true;
      agentStream.abandonHeld();
      ledger.forEach(entry -> entry.recorded().interrupted());
      recording.end(endReason);
      shared.cancelKeys().remove(ClientSession.this);
      agentStream.framer().close();
      flushTarget();
      target.channel().close();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      closeBoth();
    }
  }

  /** Reads the target's side. */
  private final class TargetHandler extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      if (ended) {
        ReferenceCountUtil.release(message);
        return;
      }
      guarded(
          () -> {
            targetStream.framer().append(ctx.alloc(), (ByteBuf) message);
            targetStream.framer().run();
          });
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      if (ledger.size() < MAX_OUTSTANDING / 2) {
        flushRequested = false;
      }
      if (agentStream.framer().pendingBytes() > 0 && !agentStream.isBlocked()) {
        guarded(agentStream.framer()::run);
      }
      passOnSoon();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
      updateReading();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      targetStream.framer().close();
      if (leaving) {
        // Whatever it was that it still owed: nothing more comes.
        agent.eventLoop().execute(ClientSession.this::leave);
      } else if (ended) {
        agent.flush();
        agent.eventLoop().execute(ClientSession.this::closeBoth);
      } else {
        end(ErrorReply.fatal(SqlState.CONNECTION_FAILURE, "the connection to the target was lost"));
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      ctx.close();
    }
  }
}
