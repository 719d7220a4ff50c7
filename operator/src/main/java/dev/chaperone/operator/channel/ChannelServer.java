package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;

/**
 * Where sidecars connect: TLS 1.3 with the certificate that is current at that moment, a handshake
 * that is bounded in time, number and size, and then a conversation with each pod's sidecar, of
 * which there is one at a time: a newer connection of the same pod ends the older one.
 */
public final class ChannelServer implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(ChannelServer.class.getName());
  private static final int LOOPS = 2;
  private static final int CHECKING_THREADS = 8;
  private static final int HEARING_THREADS = 4;
  private static final int MAX_HEARING = 100_000;
  private static final int LOW_WATER = 32 * 1024;
  private static final int HIGH_WATER = 128 * 1024;

  private record Context(ServerIdentity identity, SslContext context) {}

  private final Supplier<ServerIdentity> identity;
  private final Authenticator authenticator;
  private final SidecarListener listener;
  private final ChannelSettings settings;
  private final HandshakeLimits limits;
  private final HandshakeTurns turns;
  private final ThreadPoolExecutor checks;
  private final ThreadPoolExecutor hearing;
  private final Map<String, ConnectedSidecar> connected = new ConcurrentHashMap<>();
  private final EventLoopGroup loops;
  private volatile Context context;
  private Channel channel;

  private ChannelServer(
      Supplier<ServerIdentity> identity,
      Authenticator authenticator,
      SidecarListener listener,
      ChannelSettings settings) {
    this.identity = identity;
    this.authenticator = authenticator;
    this.listener = listener;
    this.settings = settings;
    this.limits = new HandshakeLimits(settings.pendingHandshakes(), settings.pendingPerAddress());
    this.turns =
        new HandshakeTurns(
            settings.begunHandshakes(),
            settings.begunPerAddress(),
            settings.handshake(),
            System::nanoTime);
    this.checks = pool("sidecar-checks", CHECKING_THREADS, settings.pendingHandshakes());
    this.hearing = pool("sidecars", HEARING_THREADS, MAX_HEARING);
    this.loops = new NioEventLoopGroup(LOOPS, new DefaultThreadFactory("channel", true));
  }

  private static ThreadPoolExecutor pool(String name, int size, int waiting) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            size,
            size,
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(waiting),
            new DefaultThreadFactory(name, true));
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  /**
   * Begins to listen.
   *
   * @param address port 0 for a free one
   * @param identity the certificate and key to show from now on; asked for each connection, so that
   *     a renewed one is used at once
   * @param authenticator finds out whose sidecar it is
   * @param listener told what they say
   * @throws IOException when the address cannot be listened on, or the certificate not be used
   */
  public static ChannelServer listen(
      InetSocketAddress address,
      Supplier<ServerIdentity> identity,
      Authenticator authenticator,
      SidecarListener listener,
      ChannelSettings settings)
      throws IOException {
    ChannelServer server = new ChannelServer(identity, authenticator, listener, settings);
    try {
      server.currentContext();
      server.bind(address);
      return server;
    } catch (IOException e) {
      server.close();
      throw e;
    }
  }

  private void bind(InetSocketAddress address) throws IOException {
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 1024)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            // Until it is its turn.
            .childOption(ChannelOption.AUTO_READ, false)
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK,
                new WriteBufferWaterMark(LOW_WATER, HIGH_WATER))
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel accepted) {
                    accept(accepted);
                  }
                })
            .bind(address)
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException(address + " cannot be listened on", bound.cause());
    }
    channel = bound.channel();
  }

  private void accept(Channel accepted) {
    if (!limits.acquire(address(accepted))) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "connection refused, too many handshakes are under way address={0}",
          accepted.remoteAddress());
      accepted.close();
      return;
    }
    InetAddress address = address(accepted);
    turns.take(
        address,
        () -> onLoop(accepted, () -> begin(accepted)),
        () -> {
          limits.release(address);
          accepted.close();
        });
  }

  private static void onLoop(Channel accepted, Runnable task) {
    try {
      accepted.eventLoop().execute(task);
    } catch (RejectedExecutionException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "the server is closed");
    }
  }

  private void begin(Channel accepted) {
    if (!accepted.isActive()) {
      over(accepted);
      return;
    }
    SslHandler tls;
    try {
      tls = currentContext().newHandler(accepted.alloc());
    } catch (SSLException e) {
      LOGGER.log(System.Logger.Level.ERROR, "the certificate cannot be used", e);
      over(accepted);
      accepted.close();
      return;
    }
    tls.setHandshakeTimeoutMillis(settings.handshake().toMillis());
    accepted.pipeline().addLast(tls, new SidecarConnection(new ConnectionServer()));
    accepted.config().setAutoRead(true);
  }

  private void over(Channel accepted) {
    limits.release(address(accepted));
    turns.giveBack(address(accepted));
  }

  private static InetAddress address(Channel accepted) {
    return ((InetSocketAddress) accepted.remoteAddress()).getAddress();
  }

  /** Built anew when the certificate is another one. */
  private SslContext currentContext() throws SSLException {
    ServerIdentity now = identity.get();
    Context known = context;
    if (known == null || !known.identity().equals(now)) {
      known =
          new Context(
              now,
              SslContextBuilder.forServer(now.key(), now.chain())
                  .sslProvider(SslProvider.JDK)
                  .protocols("TLSv1.3")
                  .build());
      context = known;
    }
    return known.context();
  }

  /** Where it listens. */
  public int port() {
    return ((InetSocketAddress) channel.localAddress()).getPort();
  }

  /** The sidecars that are connected to this replica. */
  public List<ConnectedSidecar> sidecars() {
    return List.copyOf(connected.values());
  }

  /** The sidecar of a pod, where it is connected to this replica. */
  public Optional<ConnectedSidecar> sidecar(String podUid) {
    return Optional.ofNullable(connected.get(podUid));
  }

  @Override
  public void close() {
    if (channel != null) {
      channel.close().awaitUninterruptibly(2_000);
    }
    loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3_000);
    checks.shutdownNow();
    hearing.shutdown();
  }

  private final class ConnectionServer implements SidecarConnection.Server {
    @Override
    public SidecarPod authenticate(Hello hello, Bytes nonce, X509Certificate certificate)
        throws HandshakeRefusedException {
      return authenticator.authenticate(hello, nonce, certificate);
    }

    @Override
    public Executor checks() {
      return checks;
    }

    @Override
    public Executor hearing() {
      return hearing;
    }

    @Override
    public ChannelSettings settings() {
      return settings;
    }

    @Override
    public void handshakeOver(ChannelHandlerContext ctx) {
      over(ctx.channel());
    }

    @Override
    public void admitted(ConnectedSidecar sidecar) {
      ConnectedSidecar older = connected.put(sidecar.pod().uid(), sidecar);
      if (older != null) {
        older.disconnect(RefusalReason.REPLACED, "the pod's sidecar has connected anew");
      }
    }

    @Override
    public void left(ConnectedSidecar sidecar) {
      connected.remove(sidecar.pod().uid(), sidecar);
    }

    @Override
    public SidecarListener listener() {
      return listener;
    }
  }
}
