package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * Messages of the target that are no rows and no errors and may carry values all the same: names of
 * result columns, payloads of notifications, values of settings. Each method returns the message to
 * send in the place of the one it is given, or null where that one may pass as it is.
 */
final class SideChannels {
  /** What RowDescription says of a column behind its name. */
  private static final int COLUMN_BYTES = 18;

  private SideChannels() {}

  /**
   * NotificationResponse. Where columns are masked the payload is left out: a trigger may have put
   * a whole row into it. Else detectors look at it.
   */
  static ByteBuf notification(
      ByteBufAllocator allocator,
      ResultMasks masks,
      Masks inForce,
      Catalog catalog,
      ByteBuf buffer,
      int start,
      int length) {
    try {
      BodyReader body = new BodyReader(buffer, start, length);
      body.readInt();
      body.skipCString();
      int payload = body.position();
      int payloadEnd = body.skipCString();
      body.requireEnd();
      ByteBuf out = allocator.buffer(length + 64);
      out.writeByte(BackendMessage.NOTIFICATION_RESPONSE).writeInt(0);
      out.writeBytes(buffer, start, payload - start);
      if (inForce.columns().isEmpty()
          && !masks.line(inForce, catalog, buffer, payload, payloadEnd - payload, out)) {
        out.release();
        return null;
      }
      return end(out.writeByte(0));
    } catch (MalformedMessage e) {
      throw new ProtocolViolation("target: malformed notification");
    }
  }

  /** ParameterStatus, whose value stands in the given place. */
  static ByteBuf setting(
      ByteBufAllocator allocator,
      ResultMasks masks,
      Masks inForce,
      Catalog catalog,
      ByteBuf buffer,
      int start,
      int length,
      int valueStart,
      int valueEnd) {
    ByteBuf out = allocator.buffer(length + 64);
    out.writeByte(BackendMessage.PARAMETER_STATUS).writeInt(0);
    out.writeBytes(buffer, start, valueStart - start);
    if (!masks.line(inForce, catalog, buffer, valueStart, valueEnd - valueStart, out)) {
      out.release();
      return null;
    }
    return end(out.writeByte(0));
  }

  /** RowDescription: a name is a text that a statement chose, or code that it ran. */
  static ByteBuf columnNames(
      ByteBufAllocator allocator,
      ResultMasks masks,
      Masks inForce,
      Catalog catalog,
      ByteBuf buffer,
      int start,
      int length) {
    ByteBuf out = allocator.buffer(length + 64);
    out.writeByte(BackendMessage.ROW_DESCRIPTION).writeInt(0);
    boolean changed = false;
    try {
      BodyReader body = new BodyReader(buffer, start, length);
      int columns = body.readShort();
      int copied = start;
      for (int i = 0; i < columns; i++) {
        int name = body.position();
        int nameEnd = body.skipCString();
        body.skip(COLUMN_BYTES);
        out.writeBytes(buffer, copied, name - copied);
        copied = name;
        if (masks.line(inForce, catalog, buffer, name, nameEnd - name, out)) {
          copied = nameEnd;
          changed = true;
        }
      }
      out.writeBytes(buffer, copied, start + length - copied);
    } catch (MalformedMessage e) {
      out.release();
      throw new ProtocolViolation("target: malformed row description");
    }
    if (!changed) {
      out.release();
      return null;
    }
    return end(out);
  }

  private static ByteBuf end(ByteBuf out) {
    return out.setInt(1, out.writerIndex() - 1);
  }
}
