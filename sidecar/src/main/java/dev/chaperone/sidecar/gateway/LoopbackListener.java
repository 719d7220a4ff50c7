package dev.chaperone.sidecar.gateway;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.unix.Errors.NativeIoException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Listens on the loopback interface: on 127.0.0.1 and, where the machine has it, on ::1. */
final class LoopbackListener implements AutoCloseable {
  private static final byte[] IPV4 = {127, 0, 0, 1};
  private static final byte[] IPV6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  private static final int ATTEMPTS = 20;

  /** Linux, errno-base.h. */
  private static final int EADDRINUSE = 98;

  private final List<Channel> channels;

  private LoopbackListener(List<Channel> channels) {
    this.channels = channels;
  }

  /**
   * @param port 0 for a free one, the same on both addresses
   * @param accept sets up each client's channel
   */
  static LoopbackListener bind(EventLoopGroup loops, int port, Consumer<Channel> accept)
      throws IOException {
    IOException last = null;
    for (int i = 0; i < (port == 0 ? ATTEMPTS : 1); i++) {
      List<Channel> channels = new ArrayList<>();
      try {
        channels.add(bind(loops, IPV4, port, accept));
        if (hasIpv6Loopback()) {
          int chosen = ((InetSocketAddress) channels.get(0).localAddress()).getPort();
          channels.add(bind(loops, IPV6, chosen, accept));
        }
        return new LoopbackListener(channels);
      } catch (IOException e) {
        channels.forEach(channel -> channel.close().awaitUninterruptibly());
        last = e;
      }
    }
    throw last;
  }

  List<String> addresses() {
    return channels.stream()
        .map(channel -> (InetSocketAddress) channel.localAddress())
        .map(
            address ->
                address.getAddress().getAddress().length == IPV4.length
                    ? "127.0.0.1:" + address.getPort()
                    : "[::1]:" + address.getPort())
        .toList();
  }

  @Override
  public void close() {
    channels.forEach(channel -> channel.close().awaitUninterruptibly());
  }

  private static Channel bind(
      EventLoopGroup loops, byte[] address, int port, Consumer<Channel> accept) throws IOException {
    InetSocketAddress local = new InetSocketAddress(InetAddress.getByAddress(address), port);
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loops)
            .channel(Transport.present().serverChannel())
            .option(ChannelOption.SO_BACKLOG, 128)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accept.accept(channel);
                  }
                })
            .bind(local)
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      Throwable cause = bound.cause();
      throw new IOException(
          isInUse(cause)
              ? "port " + port + " cannot be listened on: it is in use"
              : "port " + port + " cannot be listened on: " + cause.getMessage(),
          cause);
    }
    return bound.channel();
  }

  private static boolean isInUse(Throwable cause) {
    return cause instanceof BindException
        || (cause instanceof NativeIoException failed && failed.expectedErr() == -EADDRINUSE);
  }

  private static boolean hasIpv6Loopback() {
    try {
      return NetworkInterface.getByInetAddress(InetAddress.getByAddress(IPV6)) != null;
    } catch (SocketException | java.net.UnknownHostException e) {
      return false;
    }
  }
}
