package dev.chaperone.sidecar.control;

import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.translation.SecretBytes;
import dev.chaperone.sidecar.gateway.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslProvider;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;

/**
 * The sidecar's connection to the operator: made, lost and made again for as long as the sidecar
 * runs. The operator has to show a certificate of the pinned authority for its own name; the
 * sidecar shows its token, read anew each time, and proves its key.
 */
public final class OperatorChannel implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(OperatorChannel.class.getName());
  private static final int MAX_TOKEN = 32 * 1024;

  private final OperatorAddress address;
  private final OperatorTimes times;
  private final KeyPair key;
  private final OperatorLease lease;
  private final List<OperatorListener> listeners;
  private final EventLoop loop;
  private final Executor waiting;
  private final ExecutorService hearing;
  private final Backoff backoff;
  private volatile boolean closed;
  private volatile Channel channel;

  /**
   * A channel; {@link #start} connects it.
   *
   * @param key made at start and kept in memory alone, Ed25519
   * @param lease begins anew whenever the operator is heard
   * @param listeners told in this order
   * @param loop carries it; no client's traffic should
   * @param waiting for files and names
   */
  public OperatorChannel(
      OperatorAddress address,
      OperatorTimes times,
      KeyPair key,
      OperatorLease lease,
      List<OperatorListener> listeners,
      EventLoop loop,
      Executor waiting) {
    this.address = address;
    this.times = times;
    this.key = key;
    this.lease = lease;
    this.listeners = List.copyOf(listeners);
    this.loop = loop;
    this.waiting = waiting;
    this.backoff = new Backoff(times.shortestPause(), times.longestPause(), new SecureRandom());
    this.hearing =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "operator");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Begins to connect. */
  public void start() {
    prepare();
  }

  /** The one thread on which listeners are told. */
  public Executor hearing() {
    return hearing;
  }

  /** Reads the files and looks the name up, where that may take its time. */
  private void prepare() {
    try {
      waiting.execute(
          () -> {
            try {
              SslContext tls = tls(address.certificateAuthorities().read());
              SecretBytes token = new SecretBytes(readToken(address.token()));
              InetAddress host = InetAddress.getByName(address.host());
              connect(tls, token, new InetSocketAddress(host, address.port()));
            } catch (IOException e) {
              // What such an exception says is a path or a name.
              LOGGER.log(
                  System.Logger.Level.WARNING,
                  "operator cannot be connected to: {0}",
                  e.toString());
              again();
            }
          });
    } catch (RejectedExecutionException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "the gateway is closed");
    }
  }

  private static byte[] readToken(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_TOKEN + 1);
      if (bytes.length == 0 || bytes.length > MAX_TOKEN) {
        throw new IOException(file + " is empty or larger than " + MAX_TOKEN + " bytes");
      }
      return new String(bytes, StandardCharsets.UTF_8).strip().getBytes(StandardCharsets.UTF_8);
    }
  }

  private static SslContext tls(byte[] authorities) throws SSLException {
    try {
      return SslContextBuilder.forClient()
          .sslProvider(SslProvider.JDK)
          .protocols("TLSv1.3")
          .trustManager(new ByteArrayInputStream(authorities))
          .build();
    } catch (IllegalArgumentException e) {
      throw new SSLException("the certificate authorities are no certificates in PEM");
    }
  }

  private void connect(SslContext tls, SecretBytes token, InetSocketAddress to) {
    if (closed) {
      return;
    }
    OperatorConnection connection =
        new OperatorConnection(times, token, address.podUid(), key, new ConnectionOwner());
    new Bootstrap()
        .group(loop)
        .channel(Transport.present().socketChannel())
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) times.handshake().toMillis())
        .option(ChannelOption.TCP_NODELAY, true)
        .handler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel fresh) {
                SslHandler handler = new SslHandler(engine(tls, fresh));
                handler.setHandshakeTimeoutMillis(times.handshake().toMillis());
                fresh.pipeline().addLast(handler, connection);
              }
            })
        .connect(to)
        .addListener(
            (ChannelFuture connected) -> {
              if (!connected.isSuccess()) {
                LOGGER.log(
                    System.Logger.Level.WARNING,
                    "operator cannot be connected to: {0}",
                    connected.cause().getClass().getSimpleName());
                again();
                return;
              }
              channel = connected.channel();
              channel.closeFuture().addListener(done -> again());
              if (closed) {
                channel.close();
              }
            });
  }

  /** The name in the certificate is verified, whatever address the name has led to. */
  private SSLEngine engine(SslContext tls, Channel fresh) {
    SSLEngine engine = tls.newEngine(fresh.alloc(), address.host(), address.port());
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    engine.setSSLParameters(parameters);
    return engine;
  }

  private void again() {
    if (closed) {
      return;
    }
    try {
      loop.execute(() -> loop.schedule(this::prepare, backoff.nextMillis(), TimeUnit.MILLISECONDS));
    } catch (RejectedExecutionException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "the gateway is closed");
    }
  }

  /** What one listener makes of it is no matter of the others. */
  private void tell(Consumer<OperatorListener> what, Runnable done) {
    try {
      hearing.execute(
          () -> {
            for (OperatorListener listener : listeners) {
              try {
                what.accept(listener);
              } catch (RuntimeException e) {
                LOGGER.log(System.Logger.Level.ERROR, "the operator's word was not handled", e);
              }
            }
            done.run();
          });
    } catch (RejectedExecutionException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "the channel is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
    Channel open = channel;
    if (open != null) {
      open.close();
    }
    hearing.shutdown();
  }

  private final class ConnectionOwner implements OperatorConnection.Owner {
    private long openedAt;

    @Override
    public void heard() {
      lease.heard();
      // One that welcomes and closes at once is not to be asked at the shortest pause for ever.
      if (openedAt != 0 && System.nanoTime() - openedAt > times.longestPause().toNanos()) {
        backoff.reset();
      }
    }

    @Override
    public void opened(OperatorConnection connection) {
      openedAt = System.nanoTime();
      tell(listener -> listener.opened(connection), () -> {});
    }

    @Override
    public void said(FromOperator message, Runnable done) {
      tell(listener -> listener.said(message), done);
    }
  }
}
