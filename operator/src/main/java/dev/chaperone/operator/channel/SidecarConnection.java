package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.FromSidecar;
import dev.chaperone.control.channel.ChannelMessage.Heartbeat;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.ChannelMessage.NotUnderstood;
import dev.chaperone.control.channel.ChannelMessage.Refused;
import dev.chaperone.control.channel.ChannelMessage.Welcome;
import dev.chaperone.control.channel.FrameReader;
import dev.chaperone.control.channel.MalformedMessageException;
import dev.chaperone.control.channel.MessageCodec;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One TCP connection of a sidecar: turns bytes into events of {@link HandshakeState} and does what
 * that says. All on the connection's event loop, but for what the API server is asked and what the
 * listener is told.
 */
final class SidecarConnection extends ChannelInboundHandlerAdapter {
  private static final System.Logger LOGGER = System.getLogger(SidecarConnection.class.getName());
  private static final SecureRandom RANDOM = new SecureRandom();

  /** A Hello is a token, a key and a signature. */
  static final int HANDSHAKE_FRAME = 64 * 1024;

  /** How long the last word may take to get out. */
  private static final long LAST_WORD_SECONDS = 2;

  /** What a connection needs of its server. */
  interface Server {
    /** Finds out who it is; waits, and is called on {@link #checks}. */
    SidecarPod authenticate(Hello hello, Bytes nonce, X509Certificate certificate)
        throws HandshakeRefusedException;

    /** Threads on which the API server is asked. */
    Executor checks();

    /** Threads on which the listener is told. */
    Executor hearing();

    /** The patience. */
    ChannelSettings settings();

    /** The handshake is over, with whatever result. Called once. */
    void handshakeOver(ChannelHandlerContext ctx);

    /** It was let in. */
    void admitted(ConnectedSidecar sidecar);

    /** It is gone. */
    void left(ConnectedSidecar sidecar);

    /** The one who is told. */
    SidecarListener listener();
  }

  private final Server server;
  private final FrameReader frames = new FrameReader(HANDSHAKE_FRAME);
  private final AtomicBoolean woken = new AtomicBoolean();
  private HandshakeState state = new HandshakeState.Connected();
  private boolean handshakeOver;
  private Bytes publicKey;
  private SidecarPod pod;
  private ConnectedSidecar sidecar;
  private Ownership ownership;
  private Inbox inbox;
  private long heardAt;
  private Future<?> beats;

  SidecarConnection(Server server) {
    this.server = server;
  }

  /** The connection is up already: it has waited for its turn. */
  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    ctx.executor()
        .schedule(
            () -> happened(ctx, new HandshakeEvent.DeadlinePassed()),
            server.settings().handshake().toMillis(),
            TimeUnit.MILLISECONDS);
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof SslHandshakeCompletionEvent completion && completion.isSuccess()) {
      byte[] nonce = new byte[ChannelMessage.Challenge.NONCE_BYTES];
      RANDOM.nextBytes(nonce);
      happened(ctx, new HandshakeEvent.Secured(new Bytes(nonce)));
    }
    ctx.fireUserEventTriggered(event);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object in) {
    ByteBuf bytes = (ByteBuf) in;
    try {
      for (ByteBuffer part : bytes.nioBuffers()) {
        read(ctx, part);
      }
    } catch (MalformedMessageException e) {
      refuse(ctx, RefusalReason.PROTOCOL, e.getMessage());
    } finally {
      bytes.release();
    }
  }

  private void read(ChannelHandlerContext ctx, ByteBuffer in) throws MalformedMessageException {
    while (!(state instanceof HandshakeState.Closed)) {
      Optional<byte[]> frame = frames.next(in);
      if (frame.isEmpty()) {
        return;
      }
      heardAt = System.nanoTime();
      MessageCodec.Decoded decoded = MessageCodec.decode(frame.get());
      if (decoded instanceof MessageCodec.Decoded.Unknown unknown) {
        unknown(unknown.type());
      } else if (((MessageCodec.Decoded.Message) decoded).message() instanceof FromSidecar said) {
        happened(ctx, new HandshakeEvent.Received(said));
      } else {
        throw new MalformedMessageException("only the operator says this");
      }
    }
  }

  /** A newer sidecar may say more than is understood, once it was let in. */
  private void unknown(String type) throws MalformedMessageException {
    if (!(state instanceof HandshakeState.Open)) {
      throw new MalformedMessageException("a message of no known type in the handshake");
    }
    LOGGER.log(System.Logger.Level.DEBUG, "message passed over pod={0} type={1}", sidecar, type);
    sidecar.send(new NotUnderstood(type));
  }

  private void happened(ChannelHandlerContext ctx, HandshakeEvent event) {
    HandshakeState.Step step = state.on(event);
    state = step.next();
    HandshakeState.Action action = step.action();
    if (action instanceof HandshakeState.Action.Send send) {
      write(ctx, send.challenge());
      ctx.flush();
    } else if (action instanceof HandshakeState.Action.Check check) {
      check(ctx, check);
    } else if (action instanceof HandshakeState.Action.Admit admit) {
      admit(ctx, admit.version());
    } else if (action instanceof HandshakeState.Action.Deliver deliver) {
      if (!(deliver.message() instanceof Heartbeat)) {
        inbox.add(deliver.message());
      }
    } else if (action instanceof HandshakeState.Action.Refuse refuse) {
      lastWord(ctx, refuse.why());
    } else if (action instanceof HandshakeState.Action.Close) {
      ctx.close();
    }
    if (!handshakeOver
        && (state instanceof HandshakeState.Open || state instanceof HandshakeState.Closed)) {
      handshakeOver = true;
      server.handshakeOver(ctx);
    }
  }

  private void check(ChannelHandlerContext ctx, HandshakeState.Action.Check check) {
    publicKey = check.hello().publicKey();
    X509Certificate certificate =
        (X509Certificate)
            ctx.pipeline().get(SslHandler.class).engine().getSession().getLocalCertificates()[0];
    try {
      server.checks().execute(() -> authenticate(ctx, check, certificate));
    } catch (RejectedExecutionException e) {
      happened(
          ctx,
          new HandshakeEvent.Denied(
              new Refused(RefusalReason.UNAVAILABLE.label(), "too many handshakes are under way")));
    }
  }

  private void authenticate(
      ChannelHandlerContext ctx, HandshakeState.Action.Check check, X509Certificate certificate) {
    try {
      SidecarPod found = server.authenticate(check.hello(), check.nonce(), certificate);
      ctx.executor()
          .execute(
              () -> {
                pod = found;
                happened(ctx, new HandshakeEvent.Admitted());
              });
    } catch (HandshakeRefusedException e) {
      deny(ctx, e.reason(), e.getMessage());
    } catch (RuntimeException e) {
      // Its message is not known to be free of what was checked.
      LOGGER.log(System.Logger.Level.ERROR, "a handshake failed error={0}", e.getClass().getName());
      deny(ctx, RefusalReason.UNAVAILABLE, "the operator failed");
    }
  }

  private void deny(ChannelHandlerContext ctx, RefusalReason reason, String message) {
    Refused why = new Refused(reason.label(), message);
    ctx.executor().execute(() -> happened(ctx, new HandshakeEvent.Denied(why)));
  }

  private void admit(ChannelHandlerContext ctx, int version) {
    frames.limit(FrameReader.MAX_FRAME);
    sidecar = new ConnectedSidecar(pod, publicKey, version, new ChannelLink(ctx));
    ownership = new Ownership(pod);
    inbox = new Inbox(server.hearing(), this::hear, reading -> reading(ctx, reading));
    write(ctx, new Welcome(version));
    ctx.flush();
    heardAt = System.nanoTime();
    long heartbeat = server.settings().heartbeat().toMillis();
    beats =
        ctx.executor()
            .scheduleAtFixedRate(() -> beat(ctx), heartbeat, heartbeat, TimeUnit.MILLISECONDS);
    LOGGER.log(
        System.Logger.Level.INFO,
        "sidecar connected pod={0} key={1} version={2}",
        sidecar,
        publicKey,
        version);
    server.admitted(sidecar);
    inbox.run(() -> server.listener().connected(sidecar));
  }

  private void reading(ChannelHandlerContext ctx, boolean reading) {
    ctx.executor()
        .execute(
            () -> {
              ctx.channel().config().setAutoRead(reading);
              // What was not read while nobody listened is no silence of the sidecar's.
              heardAt = System.nanoTime();
            });
  }

  private void beat(ChannelHandlerContext ctx) {
    if (!(state instanceof HandshakeState.Open)) {
      return;
    }
    if (!inbox.isPaused() && System.nanoTime() - heardAt >= server.settings().silence().toNanos()) {
      LOGGER.log(System.Logger.Level.INFO, "sidecar silent pod={0}", sidecar);
      ctx.close();
    } else if (ctx.channel().isWritable()) {
      write(ctx, new Heartbeat());
      ctx.flush();
    }
  }

  /** On a thread that may wait. */
  private void hear(FromSidecar message) {
    Optional<String> objection = ownership.objection(message);
    if (objection.isPresent()) {
      sidecar.disconnect(RefusalReason.FOREIGN, objection.get());
      return;
    }
    SidecarListener listener = server.listener();
    if (message instanceof ChannelMessage.ConfigurationApplied applied) {
      listener.configurationApplied(sidecar, applied);
    } else if (message instanceof ChannelMessage.ConfigurationRejected rejected) {
      listener.configurationRejected(sidecar, rejected);
    } else if (message instanceof ChannelMessage.SessionStarted started) {
      listener.sessionStarted(sidecar, started);
    } else if (message instanceof ChannelMessage.SessionProgress progress) {
      listener.sessionProgress(sidecar, progress);
    } else if (message instanceof ChannelMessage.SessionEnded ended) {
      listener.sessionEnded(sidecar, ended);
    } else if (message instanceof ChannelMessage.ApprovalRequested requested) {
      listener.approvalRequested(sidecar, requested);
    } else if (message instanceof ChannelMessage.RequestReport report) {
      listener.requestReported(sidecar, report);
    } else if (message instanceof ChannelMessage.ConditionsReport report) {
      listener.conditionsReported(sidecar, report);
    } else if (message instanceof ChannelMessage.RecordingOffered offered) {
      listener.recordingOffered(sidecar, offered);
    } else if (message instanceof ChannelMessage.RecordingPiece piece) {
      listener.recordingPiece(sidecar, piece);
    } else if (message instanceof ChannelMessage.Health health) {
      listener.healthReported(sidecar, health);
    }
  }

  private void refuse(ChannelHandlerContext ctx, RefusalReason reason, String message) {
    if (!(state instanceof HandshakeState.Closed)) {
      state = new HandshakeState.Closed();
      lastWord(ctx, new Refused(reason.label(), message));
      if (!handshakeOver) {
        handshakeOver = true;
        server.handshakeOver(ctx);
      }
    }
  }

  private void lastWord(ChannelHandlerContext ctx, Refused why) {
    LOGGER.log(
        System.Logger.Level.WARNING,
        "sidecar refused address={0} pod={1} reason={2} message=\"{3}\"",
        ctx.channel().remoteAddress(),
        pod == null ? "unknown" : pod.toString(),
        why.reason(),
        why.message());
    ctx.channel().config().setAutoRead(false);
    write(ctx, why);
    ctx.flush();
    ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    ctx.executor().schedule(() -> ctx.close(), LAST_WORD_SECONDS, TimeUnit.SECONDS);
  }

  private static void write(ChannelHandlerContext ctx, ChannelMessage message) {
    byte[] content = MessageCodec.encode(message);
    ctx.write(Unpooled.wrappedBuffer(FrameReader.header(content.length), content));
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (sidecar != null) {
      send(ctx);
    }
    ctx.fireChannelWritabilityChanged();
  }

  private void send(ChannelHandlerContext ctx) {
    boolean any = false;
    while (state instanceof HandshakeState.Open && ctx.channel().isWritable()) {
      ChannelMessage next = sidecar.poll();
      if (next == null) {
        break;
      }
      write(ctx, next);
      any = true;
    }
    if (any) {
      ctx.flush();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    happened(ctx, new HandshakeEvent.Lost());
    if (sidecar != null) {
      beats.cancel(false);
      LOGGER.log(System.Logger.Level.INFO, "sidecar disconnected pod={0}", sidecar);
      server.left(sidecar);
      inbox.run(() -> server.listener().disconnected(sidecar));
    }
    ctx.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    // A reset, or a TLS handshake that failed; the text of either may be the other side's.
    LOGGER.log(
        System.Logger.Level.DEBUG,
        "connection failed address={0} error={1}",
        ctx.channel().remoteAddress(),
        cause.getClass().getSimpleName());
    ctx.close();
  }

  /** What others may do with the connection, from any thread. */
  private final class ChannelLink implements ConnectedSidecar.Link {
    private final ChannelHandlerContext ctx;

    ChannelLink(ChannelHandlerContext ctx) {
      this.ctx = ctx;
    }

    @Override
    public void wake() {
      if (woken.compareAndSet(false, true)) {
        execute(
            () -> {
              woken.set(false);
              send(ctx);
            });
      }
    }

    @Override
    public void refuse(RefusalReason reason, String message) {
      execute(() -> SidecarConnection.this.refuse(ctx, reason, message));
    }

    private void execute(Runnable task) {
      try {
        ctx.executor().execute(task);
      } catch (RejectedExecutionException e) {
        LOGGER.log(System.Logger.Level.DEBUG, "the server is closed");
      }
    }
  }
}
