package dev.chaperone.sidecar.control;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.Challenge;
import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.FromSidecar;
import dev.chaperone.control.channel.ChannelMessage.Heartbeat;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.ChannelMessage.NotUnderstood;
import dev.chaperone.control.channel.ChannelMessage.Refused;
import dev.chaperone.control.channel.ChannelMessage.Welcome;
import dev.chaperone.control.channel.FrameReader;
import dev.chaperone.control.channel.KeyProof;
import dev.chaperone.control.channel.MalformedMessageException;
import dev.chaperone.control.channel.MessageCodec;
import dev.chaperone.control.channel.OutboundQueue;
import dev.chaperone.control.channel.ProtocolVersions;
import dev.chaperone.control.translation.SecretBytes;
import dev.chaperone.policy.VisibleText;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import java.nio.ByteBuffer;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLPeerUnverifiedException;

/** One TCP connection to the operator, after TLS has shown that it is the operator's. */
final class OperatorConnection extends ChannelInboundHandlerAdapter
    implements OperatorListener.Conversation {
  private static final System.Logger LOGGER = System.getLogger(OperatorConnection.class.getName());

  /** More than a pod's sessions and open requests together. */
  private static final int MAX_WAITING = 8_192;

  /** More messages than these wait to be heard: no more is read until some were. */
  private static final int MANY_UNHEARD = 64;

  private static final int FEW_UNHEARD = 16;

  /** What a connection tells its owner; on the event loop, but for what it hands on itself. */
  interface Owner {
    /** Something was heard in an open conversation. */
    void heard();

    /** The conversation has begun. */
    void opened(OperatorConnection connection);

    /**
     * Something was said.
     *
     * @param done to be run when it was heard
     */
    void said(FromOperator message, Runnable done);
  }

  private enum State {
    AWAIT_CHALLENGE,
    AWAIT_WELCOME,
    OPEN,
    CLOSED
  }

  private final OperatorTimes times;
  private final SecretBytes token;
  private final String podUid;
  private final KeyPair key;
  private final Owner owner;
  private final FrameReader frames = new FrameReader(FrameReader.MAX_FRAME);
  private final OutboundQueue outbound = new OutboundQueue(MAX_WAITING);
  private final AtomicBoolean woken = new AtomicBoolean();
  private final AtomicInteger unheard = new AtomicInteger();
  private volatile State state = State.AWAIT_CHALLENGE;
  private ChannelHandlerContext context;
  private Future<?> deadline;
  private Future<?> beats;
  private boolean paused;
  private long heardAt;

  OperatorConnection(
      OperatorTimes times, SecretBytes token, String podUid, KeyPair key, Owner owner) {
    this.times = times;
    this.token = token;
    this.podUid = podUid;
    this.key = key;
    this.owner = owner;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
    deadline =
        ctx.executor()
            .schedule(
                () -> {
                  if (state != State.OPEN) {
                    fail("the operator does not answer");
                  }
                },
                times.handshake().toMillis(),
                TimeUnit.MILLISECONDS);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object in) {
    ByteBuf bytes = (ByteBuf) in;
    try {
      for (ByteBuffer part : bytes.nioBuffers()) {
        read(part);
      }
    } catch (MalformedMessageException e) {
      fail("what the operator says is not understood: " + e.getMessage());
    } finally {
      bytes.release();
    }
  }

  private void read(ByteBuffer in) throws MalformedMessageException {
    while (state != State.CLOSED) {
      Optional<byte[]> frame = frames.next(in);
      if (frame.isEmpty()) {
        return;
      }
      MessageCodec.Decoded decoded = MessageCodec.decode(frame.get());
      if (decoded instanceof MessageCodec.Decoded.Unknown unknown) {
        if (state != State.OPEN) {
          throw new MalformedMessageException("a message of no known type in the handshake");
        }
        heard();
        say(new NotUnderstood(unknown.type()));
      } else if (((MessageCodec.Decoded.Message) decoded).message() instanceof FromOperator said) {
        received(said);
      } else {
        throw new MalformedMessageException("only a sidecar says this");
      }
    }
  }

  private void received(FromOperator message) throws MalformedMessageException {
    if (message instanceof Refused refused) {
      fail(
          "the operator refuses: "
              + VisibleText.of(refused.reason())
              + ": "
              + VisibleText.of(refused.message()));
      return;
    }
    switch (state) {
      case AWAIT_CHALLENGE -> {
        if (!(message instanceof Challenge challenge)) {
          throw new MalformedMessageException("the first word is no challenge");
        }
        state = State.AWAIT_WELCOME;
        greet(challenge);
      }
      case AWAIT_WELCOME -> {
        if (!(message instanceof Welcome welcome)) {
          throw new MalformedMessageException("the second word is no welcome");
        }
        open(welcome);
      }
      case OPEN -> {
        if (message instanceof Challenge || message instanceof Welcome) {
          throw new MalformedMessageException("the handshake is over");
        }
        heard();
        if (!(message instanceof Heartbeat)) {
          handOn(message);
        }
      }
      case CLOSED -> {}
    }
  }

  private void greet(Challenge challenge) throws MalformedMessageException {
    X509Certificate certificate;
    try {
      certificate =
          (X509Certificate)
              context
                  .pipeline()
                  .get(SslHandler.class)
                  .engine()
                  .getSession()
                  .getPeerCertificates()[0];
    } catch (SSLPeerUnverifiedException e) {
      throw new MalformedMessageException("no certificate was shown");
    }
    KeyProof proof =
        KeyProof.of(challenge.nonce(), certificate, token, podUid, ProtocolVersions.SPOKEN);
    write(
        new Hello(
            ProtocolVersions.SPOKEN.oldest(),
            ProtocolVersions.SPOKEN.newest(),
            token,
            new Bytes(key.getPublic().getEncoded()),
            proof.sign(key.getPrivate())));
    context.flush();
  }

  private void open(Welcome welcome) throws MalformedMessageException {
    int version = welcome.version();
    if (version < ProtocolVersions.SPOKEN.oldest() || version > ProtocolVersions.SPOKEN.newest()) {
      throw new MalformedMessageException("a version that was not offered");
    }
    state = State.OPEN;
    deadline.cancel(false);
    heard();
    long heartbeat = times.heartbeat().toMillis();
    beats =
        context
            .executor()
            .scheduleAtFixedRate(this::beat, heartbeat, heartbeat, TimeUnit.MILLISECONDS);
    LOGGER.log(System.Logger.Level.INFO, "operator connected version={0}", version);
    owner.opened(this);
  }

  private void heard() {
    heardAt = System.nanoTime();
    owner.heard();
  }

  private void handOn(FromOperator message) {
    if (unheard.incrementAndGet() > MANY_UNHEARD && !paused) {
      paused = true;
      context.channel().config().setAutoRead(false);
    }
    owner.said(
        message,
        () -> {
          if (unheard.decrementAndGet() == FEW_UNHEARD) {
            execute(this::resume);
          }
        });
  }

  private void resume() {
    if (paused) {
      paused = false;
      heardAt = System.nanoTime();
      context.channel().config().setAutoRead(true);
    }
  }

  private void beat() {
    if (!paused && System.nanoTime() - heardAt >= times.silence().toNanos()) {
      fail("the operator is silent");
    } else if (context.channel().isWritable()) {
      write(new Heartbeat());
      context.flush();
    }
  }

  @Override
  public boolean say(FromSidecar message) {
    if (state != State.OPEN) {
      return false;
    }
    if (!outbound.offer(message)) {
      execute(() -> fail("the operator does not take what is said"));
      return false;
    }
    if (woken.compareAndSet(false, true)) {
      execute(
          () -> {
            woken.set(false);
            send();
          });
    }
    return true;
  }

  private void send() {
    boolean any = false;
    while (state == State.OPEN && context.channel().isWritable()) {
      ChannelMessage next = outbound.poll();
      if (next == null) {
        break;
      }
      write(next);
      any = true;
    }
    if (any) {
      context.flush();
    }
  }

  private void write(ChannelMessage message) {
    byte[] content = MessageCodec.encode(message);
    context.write(Unpooled.wrappedBuffer(FrameReader.header(content.length), content));
  }

  private void execute(Runnable task) {
    try {
      context.executor().execute(task);
    } catch (RejectedExecutionException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "the gateway is closed");
    }
  }

  private void fail(String why) {
    if (state != State.CLOSED) {
      LOGGER.log(System.Logger.Level.WARNING, "operator connection ended: {0}", why);
      state = State.CLOSED;
      context.close();
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    send();
    ctx.fireChannelWritabilityChanged();
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    fail("the operator has closed it");
    deadline.cancel(false);
    if (beats != null) {
      beats.cancel(false);
    }
    ctx.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    // A reset, or a certificate that is not the operator's: the class says which.
    Throwable root = cause.getCause() == null ? cause : cause.getCause();
    fail(root.getClass().getSimpleName());
  }
}
