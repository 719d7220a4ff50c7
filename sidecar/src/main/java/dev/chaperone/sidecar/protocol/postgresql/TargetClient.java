package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import dev.chaperone.sidecar.protocol.postgresql.MessageFramer.Disposition;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/**
 * Asks the target questions of the gateway's own, on a connection of its own: one simple query at a
 * time, answers in text. Used by the connection's event loop.
 */
final class TargetClient extends ChannelInboundHandlerAdapter implements MessageFramer.Handler {
  private static final int MAX_MESSAGE_BYTES = 16 << 20;

  /** What the answer to one query may hold, in bytes. */
  private static final long MAX_ANSWER_BYTES = 256L << 20;

  private static final int MAX_COLUMNS = 64;

  private final MessageFramer framer = new MessageFramer(this);
  private final TargetConnection connection;
  private CompletableFuture<Void> pending;
  private Consumer<List<String>> rows;
  private boolean failed;
  private long answerBytes;

  TargetClient(TargetConnection connection) {
    this.connection = connection;
    connection.channel().pipeline().addLast("client", this);
    connection.channel().config().setAutoRead(true);
  }

  boolean isOpen() {
    return connection.channel().isActive();
  }

  void close() {
    ByteBuf out = connection.channel().alloc().buffer(5);
    MessageWriter.terminate(out);
    connection.channel().writeAndFlush(out).addListener(done -> connection.channel().close());
  }

  /**
   * Sends one statement.
   *
   * @param sql must be a constant of the gateway's
   * @param rowConsumer called for each row
   */
  CompletionStage<Void> query(String sql, Consumer<List<String>> rowConsumer) {
    if (pending != null) {
      throw new IllegalStateException("a query is under way");
    }
    CompletableFuture<Void> answer = new CompletableFuture<>();
    pending = answer;
    rows = rowConsumer;
    failed = false;
    answerBytes = 0;
    ByteBuf out = connection.channel().alloc().buffer(sql.length() + 16);
    MessageWriter.query(out, sql);
    connection.channel().writeAndFlush(out);
    if (!isOpen()) {
      fail(LoginFailure.unreachable());
    }
    return answer;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    framer.append(ctx.alloc(), (ByteBuf) message);
    try {
      framer.run();
    } catch (ProtocolViolation e) {
      fail(LoginFailure.protocol());
      ctx.close();
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    framer.close();
    fail(LoginFailure.unreachable());
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    ctx.close();
  }

  @Override
  public boolean isBlocked() {
    return false;
  }

  @Override
  public int requiredBytes(byte type, int bodyBytes) {
    if (bodyBytes > MAX_MESSAGE_BYTES) {
      throw new ProtocolViolation("target: message too long");
    }
    return bodyBytes;
  }

  @Override
  public Disposition onMessage(byte type, int bodyBytes, ByteBuf buffer, int start, int available) {
    answerBytes += bodyBytes;
    if (answerBytes > MAX_ANSWER_BYTES) {
      throw new ProtocolViolation("target: answer too long");
    }
    switch (type) {
      case BackendMessage.DATA_ROW:
        if (pending == null) {
          throw new ProtocolViolation("target: unexpected row");
        }
        rows.accept(row(buffer, start, bodyBytes));
        break;
      case BackendMessage.ERROR_RESPONSE:
        failed = true;
        break;
      case BackendMessage.READY_FOR_QUERY:
        complete();
        break;
      default:
        // Descriptions, completions, notices, settings: nothing of them is needed.
        break;
    }
    return Disposition.DROP;
  }

  @Override
  public void forward(ByteBuf messages) {
    messages.release();
  }

  private void complete() {
    if (failed) {
      fail(LoginFailure.catalogRefused());
    } else if (pending != null) {
      CompletableFuture<Void> done = pending;
      pending = null;
      done.complete(null);
    }
  }

  private void fail(LoginFailure why) {
    if (pending != null) {
      CompletableFuture<Void> done = pending;
      pending = null;
      done.completeExceptionally(why);
    }
  }

  private static List<String> row(ByteBuf buffer, int start, int bodyBytes) {
    try {
      BodyReader body = new BodyReader(buffer, start, bodyBytes);
      int columns = body.readShort();
      if (columns > MAX_COLUMNS) {
        throw new ProtocolViolation("target: too many columns");
      }
      List<String> row = new ArrayList<>(columns);
      for (int i = 0; i < columns; i++) {
        int length = body.readInt();
        if (length == -1) {
          row.add(null);
        } else {
          int valueStart = body.position();
          body.skip(length);
          row.add(BodyReader.utf8(buffer, valueStart, length));
        }
      }
      body.requireEnd();
      return row;
    } catch (MalformedMessage e) {
      throw new ProtocolViolation("target: malformed row");
    }
  }
}
