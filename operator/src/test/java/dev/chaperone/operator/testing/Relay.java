package dev.chaperone.operator.testing;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A way to servers on this machine, as a Service is one in a cluster: each connection goes to any
 * of those that are there, from an address of its own as that of a pod. And a way that a test can
 * hold: then clients are heard no more, nothing is closed, and what they said arrives once it is
 * let go on.
 */
public final class Relay implements AutoCloseable {
  private static final int POD_ADDRESSES = 250;
  private static final int ADDRESSES = 250 * POD_ADDRESSES;

  private final EventLoopGroup loops =
      new NioEventLoopGroup(1, new DefaultThreadFactory("relay", true));
  private final Set<Channel> clients = ConcurrentHashMap.newKeySet();
  private final AtomicInteger number = new AtomicInteger();
  private final Channel listener;
  private volatile List<Integer> servers;
  private volatile boolean held;

  private Relay(List<Integer> servers) {
    this.servers = List.copyOf(servers);
    this.listener =
        new ServerBootstrap()
            .group(loops)
            .channel(NioServerSocketChannel.class)
            .childOption(ChannelOption.AUTO_READ, false)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel accepted) {
                    connect(accepted);
                  }
                })
            .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .syncUninterruptibly()
            .channel();
  }

  /** A way to the servers at these ports. */
  public static Relay to(Integer... servers) {
    return new Relay(List.of(servers));
  }

  /** Where it begins. */
  public int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  /** Connections that are made from now on go to these; there may be none. */
  public void leadTo(Integer... ports) {
    servers = List.of(ports);
  }

  /** What clients say is kept from now on; what servers say still passes. */
  public void hold() {
    held = true;
    loops
        .next()
        .submit(() -> clients.forEach(one -> one.config().setAutoRead(false)))
        .syncUninterruptibly();
  }

  /** Everything passes again, and first what was said meanwhile. */
  public void letGo() {
    held = false;
    loops
        .next()
        .submit(() -> clients.forEach(one -> one.config().setAutoRead(true)))
        .syncUninterruptibly();
  }

  private void connect(Channel accepted) {
    List<Integer> now = servers;
    if (now.isEmpty()) {
      accepted.close();
      return;
    }
    ChannelFuture connected =
        new Bootstrap()
            .group(accepted.eventLoop())
            .channel(NioSocketChannel.class)
            .option(ChannelOption.AUTO_READ, false)
            .option(ChannelOption.TCP_NODELAY, true)
            .handler(new Passing(accepted))
            .connect(
                new InetSocketAddress(
                    InetAddress.getLoopbackAddress(),
                    now.get(ThreadLocalRandom.current().nextInt(now.size()))),
                new InetSocketAddress(source(), 0));
    Channel server = connected.channel();
    accepted.pipeline().addLast(new Passing(server));
    connected.addListener(
        done -> {
          if (!done.isSuccess()) {
            accepted.close();
            return;
          }
          clients.add(accepted);
          accepted.config().setAutoRead(!held);
          server.config().setAutoRead(true);
        });
  }

  /** Another one each time, as each pod has its own. */
  private InetAddress source() {
    int next = number.getAndIncrement() % ADDRESSES;
    try {
      return InetAddress.getByAddress(
          new byte[] {127, 1, (byte) (next / POD_ADDRESSES), (byte) (1 + next % POD_ADDRESSES)});
    } catch (UnknownHostException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    listener.close();
    loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3_000);
  }

  /** Passes on what one side says to the other, as fast as that takes it. */
  private final class Passing extends ChannelInboundHandlerAdapter {
    private final Channel other;

    Passing(Channel other) {
      this.other = other;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object bytes) {
      other.write((ByteBuf) bytes);
      if (!other.isWritable()) {
        ctx.channel().config().setAutoRead(false);
      }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      other.flush();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
      if (ctx.channel().isWritable() && !(held && clients.contains(other))) {
        other.config().setAutoRead(true);
      }
      ctx.fireChannelWritabilityChanged();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      clients.remove(ctx.channel());
      other.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      ctx.close();
    }
  }
}
