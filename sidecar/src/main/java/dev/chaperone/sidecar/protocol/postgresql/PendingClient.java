package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.sidecar.gateway.ClientConnection;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;

/** A client connection from the moment it counts; once it is open, the session behind it. */
final class PendingClient implements ClientConnection {
  private final Channel channel;
  private volatile ClientSession session;

  PendingClient(Channel channel) {
    this.channel = channel;
  }

  void becomes(ClientSession opened) {
    session = opened;
  }

  @Override
  public void drain(CloseReason reason) {
    ClientSession opened = session;
    if (opened == null) {
      close(reason);
    } else {
      opened.drain(reason);
    }
  }

  @Override
  public void close(CloseReason reason) {
    channel.eventLoop().execute(() -> closeNow(reason));
  }

  private void closeNow(CloseReason reason) {
    if (session != null) {
      session.close(reason);
      return;
    }
    ByteBuf out = channel.alloc().buffer(256);
    MessageWriter.errorResponse(
        out,
        ErrorReply.fatal(SqlState.ADMIN_SHUTDOWN, "terminating connection: " + reason.message()));
    channel.writeAndFlush(out).addListener(ChannelFutureListener.CLOSE);
  }
}
