package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.Event.OperationRequested;
import dev.chaperone.recording.Value;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * What is remembered of a Bind: its values, within bounds, and the formats it asks for. A long Bind
 * is read as far as it is there. PostgreSQL documentation, "Message Formats".
 *
 * @param values the first bound values
 * @param omitted how many more there are
 * @param formats of the result's columns, a byte each; none where all are text or it is not known
 */
record RecordedBind(List<Value> values, int omitted, Bytes formats) {
  /** Nothing bound, or nothing of it there. */
  static final RecordedBind NONE = new RecordedBind(List.of(), 0, Bytes.EMPTY);

  private static final int MAX_FORMATS = 2_048;

  /** Stands where a whole message was not there. */
  private static final int UNKNOWN = -1;

  /**
   * Reads what follows the two names.
   *
   * @param end of what is there
   * @param types as declared by Parse
   * @param concealed which values are not remembered
   */
  static RecordedBind read(
      ByteBuf buffer, int start, int end, int[] types, IntPredicate concealed) {
    int at = start;
    int formatCount = unsignedShort(buffer, at, end);
    if (formatCount == UNKNOWN) {
      return NONE;
    }
    int formatsAt = at + Short.BYTES;
    at = formatsAt + formatCount * Short.BYTES;
    int count = unsignedShort(buffer, at, end);
    if (count == UNKNOWN) {
      return NONE;
    }
    at += Short.BYTES;
    List<Value> values = count == 0 ? List.of() : new ArrayList<>(Math.min(count, 16));
    int bytes = 0;
    boolean keeps = true;
    for (int i = 0; i < count; i++) {
      if (end - at < Integer.BYTES) {
        return new RecordedBind(values, count - values.size(), Bytes.EMPTY);
      }
      int length = buffer.getInt(at);
      at += Integer.BYTES;
      int kept = Math.min(Math.max(length, 0), Value.MAX_BYTES);
      boolean binary = isBinary(buffer, formatsAt, formatCount, i);
      long type = i < types.length ? Integer.toUnsignedLong(types[i]) : 0;
      keeps &=
          values.size() < OperationRequested.MAX_PARAMETERS
              && bytes + kept <= OperationRequested.MAX_PARAMETER_BYTES
              && end - at >= kept;
      if (keeps) {
        values.add(value(buffer, at, length, kept, binary, type, concealed.test(i)));
        bytes += kept;
      }
      if (length > end - at) {
        return new RecordedBind(values, count - values.size(), Bytes.EMPTY);
      }
      at += Math.max(length, 0);
    }
    return new RecordedBind(values, count - values.size(), formats(buffer, at, end));
  }

  private static Value value(
      ByteBuf buffer, int at, int length, int kept, boolean binary, long type, boolean concealed) {
    if (concealed) {
      return Value.protectedValue(binary, type);
    }
    return length < 0
        ? Value.ofNull(type)
        : Value.of(binary, type, Bytes.of(ByteBufUtil.getBytes(buffer, at, kept, true)), length);
  }

  private static boolean isBinary(ByteBuf buffer, int formatsAt, int formatCount, int index) {
    if (formatCount == 0) {
      return false;
    }
    int format = formatCount == 1 ? 0 : index;
    return format < formatCount && buffer.getShort(formatsAt + format * Short.BYTES) == 1;
  }

  private static Bytes formats(ByteBuf buffer, int at, int end) {
    int count = unsignedShort(buffer, at, end);
    if (count <= 0 || count > MAX_FORMATS || end - at < Short.BYTES * (count + 1)) {
      return Bytes.EMPTY;
    }
    byte[] formats = new byte[count];
    boolean anyBinary = false;
    for (int i = 0; i < count; i++) {
      formats[i] = (byte) buffer.getShort(at + Short.BYTES * (i + 1));
      anyBinary |= formats[i] != 0;
    }
    return anyBinary ? Bytes.of(formats) : Bytes.EMPTY;
  }

  private static int unsignedShort(ByteBuf buffer, int at, int end) {
    return end - at < Short.BYTES ? UNKNOWN : buffer.getUnsignedShort(at);
  }
}
