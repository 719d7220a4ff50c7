package dev.chaperone.sidecar.protocol.postgresql;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.util.concurrent.TimeUnit;

/**
 * Sends cancel requests to targets. PostgreSQL documentation, "Canceling Requests in Progress":
 * over a connection of its own, which the server closes without an answer once it has passed the
 * signal on.
 */
final class Canceller {
  private static final int TIMEOUT_MILLIS = 5_000;

  private final TargetConnector connector;

  Canceller(TargetConnector connector) {
    this.connector = connector;
  }

  /**
   * Cancels what the backend is doing.
   *
   * @return done when the target has closed the connection, or failed
   */
  Future<Void> cancel(TargetConnection target) {
    EventLoop loop = target.channel().eventLoop();
    Promise<Void> done = loop.newPromise();
    connector.open(loop, target.address(), channel -> send(channel, target, done), done);
    var timer =
        loop.schedule(
            () -> done.tryFailure(LoginFailure.timedOut()), TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    done.addListener(finished -> timer.cancel(false));
    return done;
  }

  private static void send(Channel channel, TargetConnection target, Promise<Void> done) {
    channel
        .pipeline()
        .addLast(
            new ChannelInboundHandlerAdapter() {
              @Override
              public void channelRead(ChannelHandlerContext ctx, Object message) {
                ReferenceCountUtil.release(message);
              }

              @Override
              public void channelInactive(ChannelHandlerContext ctx) {
                done.trySuccess(null);
              }

              @Override
              public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
                ctx.close();
              }
            });
    ByteBuf out = channel.alloc().buffer(16);
    MessageWriter.cancelRequest(out, target.processId(), target.cancelKey());
    channel.writeAndFlush(out);
  }
}
