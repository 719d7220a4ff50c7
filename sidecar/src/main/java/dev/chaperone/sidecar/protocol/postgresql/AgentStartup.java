package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.Decision;
import dev.chaperone.sidecar.gateway.ClientConnection.CloseReason;
import dev.chaperone.sidecar.gateway.GuardedConnection;
import dev.chaperone.sidecar.gateway.ListenPassword;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.concurrent.Promise;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Lets an agent in. PostgreSQL documentation, "Start-up".
 *
 * <pre>
 *   GREETING --SSLRequest, GSSENCRequest: no--&gt; GREETING
 *   GREETING --SSLRequest: yes--&gt; SECURING --handshake--&gt; GREETING
 *   GREETING --CancelRequest--&gt; closed
 *   GREETING --StartupMessage--&gt; [PASSWORD] --&gt; OPENING --logged in--&gt; the session takes over
 * </pre>
 *
 * <p>What the client gives as user and password does not matter: the gateway knows who it is by the
 * pod it runs in. Only where the gateway was given a listen password must the client know it.
 */
final class AgentStartup extends ByteToMessageDecoder {
  static final long TIMEOUT_MILLIS = 10_000;
  private static final int MAX_PASSWORD_BYTES = 1_000;

  private enum State {
    GREETING,
    SECURING,
    PASSWORD,
    OPENING,
    REFUSED
  }

  private final GuardedConnection connection;
  private final Supplier<SharedTarget> targets;
  private final Optional<ListenPassword> listenPassword;
  private State state = State.GREETING;
  private final Optional<AgentTls> tls;
  private boolean tlsAnswered;
  private boolean gssAnswered;
  private boolean secured;
  private Startup.Open startup;
  private PendingClient pending;

  /** Where the connection led to when this client was registered. */
  private SharedTarget shared;

  /**
   * @param targets where the connection leads to at that moment
   * @param tls what the client is offered
   */
  AgentStartup(
      GuardedConnection connection,
      Supplier<SharedTarget> targets,
      Optional<ListenPassword> listenPassword,
      Optional<AgentTls> tls) {
    this.connection = connection;
    this.targets = targets;
    this.listenPassword = listenPassword;
    this.tls = tls;
    setSingleDecode(true);
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    var timer =
        ctx.executor()
            .schedule(
                () -> {
                  if (state != State.OPENING) {
                    ctx.close();
                  }
                },
                TIMEOUT_MILLIS,
                TimeUnit.MILLISECONDS);
    ctx.channel().closeFuture().addListener(closed -> timer.cancel(false));
  }

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
    try {
      while (ctx.channel().isActive() && step(ctx, in)) {
        // step() does the work
      }
    } catch (MalformedMessage e) {
      refuse(ctx, ErrorReply.fatal(SqlState.PROTOCOL_VIOLATION, "invalid startup packet"));
    }
  }

  private boolean step(ChannelHandlerContext ctx, ByteBuf in) throws MalformedMessage {
    switch (state) {
      case GREETING:
        return readPacket(ctx, in);
      case PASSWORD:
        return readPassword(ctx, in);
      case REFUSED:
        in.skipBytes(in.readableBytes());
        return false;
      default:
        return false;
    }
  }

  private boolean readPacket(ChannelHandlerContext ctx, ByteBuf in) throws MalformedMessage {
    if (in.readableBytes() < Integer.BYTES) {
      return false;
    }
    int length = in.getInt(in.readerIndex());
    if (length < 8 || length > Startup.MAX_PACKET_BYTES) {
      connection.metrics().protocolError();
      refuse(
          ctx, ErrorReply.fatal(SqlState.PROTOCOL_VIOLATION, "invalid length of startup packet"));
      return false;
    }
    if (in.readableBytes() < length) {
      return false;
    }
    ByteBuf packet = in.readSlice(length).skipBytes(Integer.BYTES);
    Startup request = Startup.read(packet);
    if (request instanceof Startup.TlsRequest && !tlsAnswered && !secured) {
      tlsAnswered = true;
      return answerTls(ctx, in);
    } else if (request instanceof Startup.GssEncryptionRequest && !gssAnswered && !secured) {
      gssAnswered = true;
      return answerNo(ctx, in);
    } else if (request instanceof Startup.CancelRequest cancel) {
      cancel(ctx, cancel);
      return false;
    } else if (request instanceof Startup.Open open) {
      return onOpen(ctx, open);
    } else {
      refuse(
          ctx,
          ErrorReply.fatal(
              SqlState.FEATURE_NOT_SUPPORTED,
              "unsupported frontend protocol: this gateway speaks 3.0"));
      return false;
    }
  }

  private boolean answerTls(ChannelHandlerContext ctx, ByteBuf in) {
    if (tls.isEmpty()) {
      return answerNo(ctx, in);
    }
    if (hasMore(ctx, in)) {
      return false;
    }
    state = State.SECURING;
    answer(ctx, 'S');
    ctx.pipeline().addBefore(ctx.name(), "tls", tls.get().newHandler(ctx.alloc(), TIMEOUT_MILLIS));
    return false;
  }

  private boolean answerNo(ChannelHandlerContext ctx, ByteBuf in) {
    if (hasMore(ctx, in)) {
      return false;
    }
    answer(ctx, 'N');
    return true;
  }

  private static void answer(ChannelHandlerContext ctx, char answer) {
    ctx.writeAndFlush(ctx.alloc().buffer(1).writeByte(answer));
  }

  /**
   * A client waits for the answer before it sends more. What stands behind the request was put
   * there by somebody who means it to be taken for what comes encrypted: CVE-2021-23214.
   */
  private boolean hasMore(ChannelHandlerContext ctx, ByteBuf in) {
    if (!in.isReadable()) {
      return false;
    }
    connection.metrics().protocolError();
    refuse(
        ctx,
        ErrorReply.fatal(
            SqlState.PROTOCOL_VIOLATION, "received unencrypted data after a request to encrypt"));
    return true;
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
    if (event instanceof SslHandshakeCompletionEvent handshake) {
      onHandshake(ctx, handshake.isSuccess());
    }
    super.userEventTriggered(ctx, event);
  }

  private void onHandshake(ChannelHandlerContext ctx, boolean success) {
    if (!success) {
      connection.metrics().loginFailed("client-tls");
      ctx.close();
    } else if (!tlsAnswered && !AgentTls.saysPostgresql(ctx.pipeline().get(SslHandler.class))) {
      // PostgreSQL documentation, "SSL Session Encryption": without SSLRequest, ALPN is mandatory.
      connection.metrics().loginFailed("client-tls");
      refuse(
          ctx,
          ErrorReply.fatal(
              SqlState.PROTOCOL_VIOLATION,
              "TLS without a request before it needs ALPN \"postgresql\""));
    } else {
      secured = true;
      state = State.GREETING;
    }
  }

  private void cancel(ChannelHandlerContext ctx, Startup.CancelRequest request) {
    state = State.OPENING;
    Optional<ClientSession> session = targets.get().cancelKeys().find(request);
    if (session.isPresent()) {
      session.get().cancelRequested().addListener(done -> ctx.close());
    } else {
      ctx.close();
    }
  }

  private boolean onOpen(ChannelHandlerContext ctx, Startup.Open open) {
    startup = open;
    if (!secured && tls.isPresent() && tls.get().isRequired()) {
      connection.metrics().loginFailed("client-without-tls");
      refuse(
          ctx,
          ErrorReply.fatal(
              SqlState.INVALID_AUTHORIZATION,
              "this gateway takes connections with TLS only",
              "Connect with sslmode=require or verify-full (spec.listen.tls)."));
      return false;
    }
    List<String> unsupported = open.protocolOptions();
    if (open.minorVersion() > 0 || !unsupported.isEmpty()) {
      ByteBuf out = ctx.alloc().buffer(64);
      MessageWriter.negotiateProtocolVersion(out, unsupported);
      ctx.writeAndFlush(out);
    }
    if (listenPassword.isPresent()) {
      state = State.PASSWORD;
      ByteBuf out = ctx.alloc().buffer(9);
      MessageWriter.authenticationCleartextPassword(out);
      ctx.writeAndFlush(out);
      return true;
    }
    open(ctx);
    return false;
  }

  private boolean readPassword(ChannelHandlerContext ctx, ByteBuf in) {
    if (in.readableBytes() < 5) {
      return false;
    }
    int length = in.getInt(in.readerIndex() + 1);
    if (in.getByte(in.readerIndex()) != FrontendMessage.PASSWORD
        || length < 5
        || length > MAX_PASSWORD_BYTES) {
      refuse(ctx, ErrorReply.fatal(SqlState.PROTOCOL_VIOLATION, "expected a password"));
      return false;
    }
    if (in.readableBytes() < length + 1) {
      return false;
    }
    byte[] password = ByteBufUtil.getBytes(in, in.readerIndex() + 5, length - 5, true);
    in.skipBytes(length + 1);
    boolean matches = listenPassword.orElseThrow().matches(password);
    Arrays.fill(password, (byte) 0);
    if (!matches) {
      connection.metrics().loginFailed("listen-password");
      refuse(
          ctx,
          ErrorReply.fatal(
              SqlState.INVALID_PASSWORD,
              "password authentication with the gateway failed",
              "The gateway was started with --listen-password-file."));
      return false;
    }
    open(ctx);
    return false;
  }

  private void open(ChannelHandlerContext ctx) {
    state = State.OPENING;
    ctx.channel().config().setAutoRead(false);
    String database = connection.ruling().connection().target().database();
    String asked = startup.parameters().get("database");
    if (asked != null && !asked.equals(database)) {
      connection.metrics().loginFailed("database");
      refuse(
          ctx,
          ErrorReply.fatal(
              SqlState.INVALID_CATALOG_NAME,
              "this gateway serves another database than the one asked for",
              "Ask for database \"" + database + "\" (PGDATABASE)."));
      return;
    }
    StartupOptions.Result options = StartupOptions.of(startup.parameters());
    if (options.refusal().isPresent()) {
      refuse(ctx, options.refusal().get());
      return;
    }
    if (connection.isRevoked()) {
      refuse(ctx, revoked());
      return;
    }
    if (connection.ruling().connection().suspended()) {
      refuse(
          ctx,
          ErrorReply.fatal(
              SqlState.CANNOT_CONNECT_NOW, CloseReason.SUSPENDED.message(), "Ask its owner."));
      return;
    }
    pending = new PendingClient(ctx.channel());
    if (!connection.register(pending)) {
      connection.metrics().loginFailed("client-connections");
      refuse(
          ctx,
          connection.isDraining()
              ? ErrorReply.fatal(SqlState.CANNOT_CONNECT_NOW, CloseReason.SHUTDOWN.message())
              : ErrorReply.fatal(
                  SqlState.TOO_MANY_CONNECTIONS,
                  "too many client connections on this gateway",
                  "Close connections that are not used (spec.limits.clientConnections)."));
      return;
    }
    ctx.channel().closeFuture().addListener(closed -> connection.unregister(pending));
    shared = targets.get();
    shared
        .ready()
        .whenComplete(
            (catalog, failure) ->
                ctx.executor()
                    .execute(
                        () -> {
                          if (failure != null) {
                            fail(ctx, LoginFailures.of(failure));
                          } else {
                            judge(ctx, options.settings());
                          }
                        }));
  }

  private static ErrorReply revoked() {
    return ErrorReply.fatal(
        SqlState.ADMIN_SHUTDOWN,
        CloseReason.REVOKED.message(),
        "Nothing more can be done in it. Ask its owner.");
  }

  /** Each setting is judged as the SET it stands for. */
  private void judge(ChannelHandlerContext ctx, Map<String, String> settings) {
    SettingStatements statements = new SettingStatements(settings);
    if (statements.isEmpty()) {
      logIn(ctx, settings);
      return;
    }
    Judge judge =
        shared.newJudge(
            ctx.channel().eventLoop(), () -> shared.catalogMonitor().current().catalog());
    judge.sessionIs("", List.of(), false);
    judge.judge(
        statements.text(),
        new StatementNames(),
        new Judge.Listener() {
          @Override
          public void judged(Judgement judgement) {
            Optional<ErrorReply> refusal = Refusals.announced(connection.gate(), judgement);
            if (refusal.isEmpty()
                && !(judgement.decision().orElseThrow() instanceof Decision.Allow)) {
              refusal =
                  Optional.of(
                      ErrorReply.fatal(
                          SqlState.INSUFFICIENT_PRIVILEGE,
                          "a setting asked for at connection time needs approval"));
            }
            if (refusal.isPresent()) {
              refuse(ctx, refusal.get().asFatal());
            } else {
              logIn(ctx, settings);
            }
          }

          @Override
          public void unreadable(ErrorReply reply) {
            refuse(ctx, reply.asFatal());
          }
        });
  }

  private void logIn(ChannelHandlerContext ctx, Map<String, String> settings) {
    Promise<TargetConnection> result = ctx.executor().newPromise();
    result.addListener(
        done -> {
          if (!result.isSuccess()) {
            fail(ctx, LoginFailures.of(result.cause()));
          } else if (!ctx.channel().isActive()) {
            result.getNow().channel().close();
          } else {
            handOver(ctx, result.getNow());
          }
        });
    shared.logIn(ctx.channel().eventLoop(), settings, result);
  }

  private void handOver(ChannelHandlerContext ctx, TargetConnection target) {
    Channel agent = ctx.channel();
    ClientSession session = new ClientSession(agent, target, shared);
    ByteBuf greeting = agent.alloc().buffer(512);
    MessageWriter.authenticationOk(greeting);
    target.parameters().forEach((name, value) -> greetingParameter(greeting, name, value));
    MessageWriter.backendKeyData(greeting, target.processId(), shared.cancelKeys().add(session));
    pending.becomes(session);
    session.start(greeting);
    ctx.pipeline().remove(this);
  }

  private static void greetingParameter(ByteBuf greeting, String name, String value) {
    MessageWriter.parameterStatus(greeting, name, value);
  }

  private void fail(ChannelHandlerContext ctx, LoginFailure failure) {
    connection.metrics().loginFailed(failure.metricCause());
    refuse(ctx, failure.reply());
  }

  private void refuse(ChannelHandlerContext ctx, ErrorReply reply) {
    state = State.REFUSED;
    ByteBuf out = ctx.alloc().buffer(256);
    MessageWriter.errorResponse(out, reply);
    ctx.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    ctx.close();
  }
}
