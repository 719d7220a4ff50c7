package dev.chaperone.sidecar.gateway;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollEventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;

/**
 * How sockets are read and written. The same for all of a process: a channel works on event loops
 * of its own kind only.
 */
public enum Transport {
  /** The kernel's own interface, by a native library: a tenth less of a processor per operation. */
  EPOLL(EpollServerSocketChannel.class, EpollSocketChannel.class),

  /** What every Java runtime has. */
  NIO(NioServerSocketChannel.class, NioSocketChannel.class);

  private static final System.Logger LOGGER = System.getLogger(Transport.class.getName());
  private static final Transport PRESENT = choose();

  private final Class<? extends ServerChannel> serverChannel;
  private final Class<? extends SocketChannel> socketChannel;

  Transport(
      Class<? extends ServerChannel> serverChannel, Class<? extends SocketChannel> socketChannel) {
    this.serverChannel = serverChannel;
    this.socketChannel = socketChannel;
  }

  /** The one this process uses: epoll, where its library can be loaded. */
  public static Transport present() {
    return PRESENT;
  }

  private static Transport choose() {
    if (Epoll.isAvailable()) {
      return EPOLL;
    }
    if (System.getProperty("os.name").equals("Linux")) {
      LOGGER.log(
          System.Logger.Level.INFO,
          "sockets are used through NIO, epoll is not available: {0}",
          Epoll.unavailabilityCause().getMessage());
    }
    return NIO;
  }

  EventLoopGroup newEventLoops(int count, String name) {
    DefaultThreadFactory threads = new DefaultThreadFactory(name, true);
    return this == EPOLL
        ? new EpollEventLoopGroup(count, threads)
        : new NioEventLoopGroup(count, threads);
  }

  Class<? extends ServerChannel> serverChannel() {
    return serverChannel;
  }

  /** What connects to a target. */
  public Class<? extends SocketChannel> socketChannel() {
    return socketChannel;
  }
}
