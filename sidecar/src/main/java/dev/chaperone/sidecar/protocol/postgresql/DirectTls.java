package dev.chaperone.sidecar.protocol.postgresql;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.util.List;

/**
 * Looks at the first byte of a client: a TLS handshake without an SSLRequest before it begins with
 * another one than any startup packet. PostgreSQL documentation, "SSL Session Encryption"; the
 * server's backend_startup.c, ProcessSSLStartup.
 */
final class DirectTls extends ByteToMessageDecoder {
  /** ContentType handshake; RFC 8446, section 5.1. A startup packet that long is refused. */
  private static final byte HANDSHAKE = 0x16;

  private final AgentTls tls;
  private final long timeoutMillis;

  DirectTls(AgentTls tls, long timeoutMillis) {
    this.tls = tls;
    this.timeoutMillis = timeoutMillis;
  }

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
    // What was read goes on to what takes this handler's place, or stands behind it.
    if (in.getByte(in.readerIndex()) == HANDSHAKE) {
      ctx.pipeline().replace(this, "tls", tls.newHandler(ctx.alloc(), timeoutMillis));
    } else {
      ctx.pipeline().remove(this);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    ctx.close();
  }
}
