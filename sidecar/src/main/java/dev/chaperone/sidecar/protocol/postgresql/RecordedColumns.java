package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.recording.Columns;
import dev.chaperone.recording.Repeated;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads RowDescription for the recording. A client mostly gets the same few again and again; the
 * last ones are kept. Used by one event loop.
 */
final class RecordedColumns {
  private static final int KEPT = 4;
  private static final int MAX_KEPT_BYTES = 4 << 10;

  /** Table, attribute, size and modifier; PostgreSQL documentation, "Message Formats". */
  private static final int BEFORE_TYPE = 4 + 2;

  private static final int AFTER_TYPE = 2 + 4 + 2;

  private final ByteBuf[] descriptions = new ByteBuf[KEPT];

  @SuppressWarnings({"unchecked", "rawtypes"})
  private final Repeated<Columns>[] columns = new Repeated[KEPT];

  private int next;

  Repeated<Columns> read(ByteBuf buffer, int start, int length) {
    for (int i = 0; i < KEPT; i++) {
      ByteBuf known = descriptions[i];
      if (known != null
          && known.readableBytes() == length
          && ByteBufUtil.equals(known, 0, buffer, start, length)) {
        return columns[i];
      }
    }
    Repeated<Columns> read = parse(buffer, start, length);
    if (length <= MAX_KEPT_BYTES) {
      descriptions[next] =
          Unpooled.wrappedBuffer(ByteBufUtil.getBytes(buffer, start, length, true));
      columns[next] = read;
      next = (next + 1) % KEPT;
    }
    return read;
  }

  private static Repeated<Columns> parse(ByteBuf buffer, int start, int length) {
    try {
      BodyReader body = new BodyReader(buffer, start, length);
      int count = body.readShort();
      List<Columns.Column> columns = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int nameStart = body.position();
        int nameEnd = body.skipCString();
        body.skip(BEFORE_TYPE);
        long type = Integer.toUnsignedLong(body.readInt());
        body.skip(AFTER_TYPE);
        if (i < Columns.MAX_COLUMNS) {
          columns.add(
              new Columns.Column(
                  buffer.toString(nameStart, nameEnd - nameStart, StandardCharsets.UTF_8),
                  type,
                  false));
        }
      }
      body.requireEnd();
      return Repeated.of(new Columns(columns, count - columns.size()));
    } catch (MalformedMessage e) {
      throw new ProtocolViolation("target: malformed row description");
    }
  }
}
