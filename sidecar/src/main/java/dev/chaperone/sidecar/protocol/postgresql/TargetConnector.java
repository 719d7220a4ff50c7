package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.control.translation.ConnectionConfiguration.Credentials;
import dev.chaperone.sidecar.gateway.Transport;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Opens connections to a target: TCP, TLS, log-in. One deadline covers all of it. */
final class TargetConnector {
  static final int CONNECT_TIMEOUT_MILLIS = 5_000;
  static final int LOGIN_TIMEOUT_MILLIS = 15_000;

  private final Executor waiting;
  private final ScramKeys scramKeys = new ScramKeys();

  /**
   * @param waiting runs what takes long: name resolution, keys from passwords
   */
  TargetConnector(Executor waiting) {
    this.waiting = waiting;
  }

  /**
   * Opens a session.
   *
   * @param loop both run on
   * @param parameters of the startup packet, but for the user
   * @param credentials read now, so that a new value is used at once
   * @param result completed on the loop; fails with {@link LoginFailure}
   */
  void logIn(
      EventLoop loop,
      TargetAddress address,
      Map<String, String> parameters,
      Credentials credentials,
      Promise<TargetConnection> result) {
    open(
        loop,
        address,
        channel -> {
          TargetLogin login =
              new TargetLogin(address, parameters, credentials, scramKeys, waiting, result);
          channel.pipeline().addLast("login", login);
          login.begin();
        },
        result);
    Runnable expire = () -> result.tryFailure(LoginFailure.timedOut());
    var timer = loop.schedule(expire, LOGIN_TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    result.addListener(done -> timer.cancel(false));
  }

  /**
   * Connects and secures the way, then hands over the channel. The channel is closed when {@code
   * result} fails.
   */
  void open(EventLoop loop, TargetAddress address, Consumer<Channel> ready, Promise<?> result) {
    resolve(
        address.host(),
        result,
        resolved -> loop.execute(() -> connect(loop, address, resolved.iterator(), ready, result)));
  }

  /** The resolver of the Java runtime blocks; it does not run on an event loop. */
  private void resolve(String host, Promise<?> result, Consumer<List<InetAddress>> resolved) {
    try {
      waiting.execute(
          () -> {
            try {
              resolved.accept(List.of(InetAddress.getAllByName(host)));
            } catch (UnknownHostException e) {
              result.tryFailure(LoginFailure.unreachable());
            }
          });
    } catch (RejectedExecutionException e) {
      result.tryFailure(LoginFailure.timedOut());
    }
  }

  /** Connects to the first of the host's addresses that answers. */
  private static void connect(
      EventLoop loop,
      TargetAddress address,
      Iterator<InetAddress> hosts,
      Consumer<Channel> ready,
      Promise<?> result) {
    new Bootstrap()
        .group(loop)
        .channel(Transport.present().socketChannel())
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
        .option(ChannelOption.TCP_NODELAY, true)
        .option(ChannelOption.SO_KEEPALIVE, true)
        .handler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                result.addListener(
                    done -> {
                      if (!done.isSuccess()) {
                        channel.close();
                      }
                    });
              }
            })
        .connect(hosts.next(), address.port())
        .addListener(
            (ChannelFuture connected) -> {
              if (!connected.isSuccess() && hosts.hasNext() && !result.isDone()) {
                connect(loop, address, hosts, ready, result);
              } else if (!connected.isSuccess()) {
                result.tryFailure(LoginFailure.unreachable());
              } else if (address.tls().isEnabled()) {
                secure(connected.channel(), address, ready, result);
              } else {
                ready.accept(connected.channel());
              }
            });
  }

  private static void secure(
      Channel channel, TargetAddress address, Consumer<Channel> ready, Promise<?> result) {
    if (address.tls().isDirect()) {
      handshake(channel, address, ready, result);
      return;
    }
    channel.pipeline().addLast("tls-request", new TlsRequest(address, ready, result));
    ByteBuf request = channel.alloc().buffer(8);
    MessageWriter.sslRequest(request);
    channel.writeAndFlush(request);
  }

  private static void handshake(
      Channel channel, TargetAddress address, Consumer<Channel> ready, Promise<?> result) {
    TargetTls settings = address.tls();
    SslHandler tls = settings.newHandler(channel.alloc(), address.port(), LOGIN_TIMEOUT_MILLIS);
    channel.pipeline().addLast("tls", tls);
    tls.handshakeFuture()
        .addListener(
            done -> {
              if (done.isSuccess() && settings.accepts(tls)) {
                ready.accept(channel);
              } else {
                result.tryFailure(LoginFailure.tls());
              }
            });
  }

  /**
   * Reads the one byte that answers an SSLRequest. PostgreSQL documentation, "SSL Session
   * Encryption": more than one byte before the handshake is an attack (CVE-2021-23222).
   */
  private static final class TlsRequest extends ChannelInboundHandlerAdapter {
    private final TargetAddress address;
    private final Consumer<Channel> ready;
    private final Promise<?> result;

    TlsRequest(TargetAddress address, Consumer<Channel> ready, Promise<?> result) {
      this.address = address;
      this.ready = ready;
      this.result = result;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ByteBuf answer = (ByteBuf) message;
      try {
        if (answer.readableBytes() != 1 || answer.readByte() != 'S') {
          result.tryFailure(LoginFailure.tls());
          return;
        }
      } finally {
        answer.release();
      }
      handshake(ctx.channel(), address, ready, result);
      ctx.pipeline().remove(this);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      result.tryFailure(LoginFailure.tls());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      result.tryFailure(LoginFailure.tls());
    }
  }
}
