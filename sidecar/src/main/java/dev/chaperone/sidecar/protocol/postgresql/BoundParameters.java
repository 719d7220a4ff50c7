package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.crds.v1alpha1.RequestParameter;
import dev.chaperone.policy.VisibleText;
import dev.chaperone.sidecar.approval.OperationDigest;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.function.IntPredicate;

/**
 * The values of one Bind, as an approver reads them. PostgreSQL documentation, "Message Formats":
 * formats (none, one for all, or one each), then the values.
 */
final class BoundParameters {
  /** What an operation has that binds nothing. */
  static final BoundParameters NONE = new BoundParameters(List.of(), 0);

  /** What stands for a value that goes into a masked column. */
  private static final String MASKED = "***";

  private static final int TEXT = 0;
  private static final int BINARY = 1;

  /** One value. */
  private static final class Parameter {
    /** The type's OID as the client declared it; 0 where it did not. */
    private final int type;

    private final int format;

    /** Null for SQL's NULL; not to be modified. */
    private final byte[] value;

    Parameter(int type, int format, byte[] value) {
      this.type = type;
      this.format = format;
      this.value = value;
    }
  }

  private final List<Parameter> parameters;
  private final int bytes;

  private BoundParameters(List<Parameter> parameters, int bytes) {
    this.parameters = parameters;
    this.bytes = bytes;
  }

  /**
   * Reads what follows the two names of a Bind.
   *
   * @param body a whole message whose shape was checked
   * @param types as declared by Parse
   */
  static BoundParameters read(ByteBuf buffer, BodyReader body, int[] types)
      throws MalformedMessage {
    int[] formats = new int[body.readShort()];
    for (int i = 0; i < formats.length; i++) {
      formats[i] = body.readShort();
    }
    int count = body.readShort();
    List<Parameter> parameters = new ArrayList<>(Math.min(count, 256));
    int bytes = 0;
    for (int i = 0; i < count; i++) {
      int length = body.readInt();
      byte[] value = null;
      if (length != -1) {
        int start = body.position();
        body.skip(length);
        value = ByteBufUtil.getBytes(buffer, start, length, true);
        bytes += length;
      }
      int format =
          formats.length == 0 ? TEXT : formats[formats.length == 1 ? 0 : check(formats, i)];
      parameters.add(new Parameter(i < types.length ? types[i] : 0, format, value));
    }
    return new BoundParameters(parameters, bytes);
  }

  private static int check(int[] formats, int index) throws MalformedMessage {
    if (index >= formats.length) {
      throw new MalformedMessage(
          SqlState.PROTOCOL_VIOLATION, "bind message has fewer formats than parameters");
    }
    return index;
  }

  int count() {
    return parameters.size();
  }

  /** How long the values are together. */
  int bytes() {
    return bytes;
  }

  void addTo(OperationDigest digest) {
    digest.add(parameters.size());
    for (Parameter parameter : parameters) {
      digest.add(parameter.type).add(parameter.format);
      if (parameter.value == null) {
        digest.add(-1);
      } else {
        digest.add(parameter.value);
      }
    }
  }

  /**
   * For people to read.
   *
   * @param concealed says of an index, from 0, whether the value is not to be shown
   */
  List<RequestParameter> readable(IntPredicate concealed) {
    List<RequestParameter> readable = new ArrayList<>(parameters.size());
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      readable.add(
          concealed.test(i)
              ? new RequestParameter(
                  TypeNames.of(Integer.toUnsignedLong(parameter.type)), MASKED, true)
              : readable(parameter));
    }
    return readable;
  }

  private static RequestParameter readable(Parameter parameter) {
    String type = TypeNames.of(Integer.toUnsignedLong(parameter.type));
    if (parameter.value == null) {
      return new RequestParameter(type, null, null);
    }
    return new RequestParameter(type, text(parameter), null);
  }

  private static String text(Parameter parameter) {
    if (parameter.format == TEXT) {
      return characters(parameter.value);
    }
    return parameter.format == BINARY ? binary(parameter) : hex(parameter.value);
  }

  /** The send functions of the server's adt/*.c: big-endian numbers, the bytes of a text. */
  private static String binary(Parameter parameter) {
    ByteBuffer value = ByteBuffer.wrap(parameter.value);
    switch (TypeNames.of(Integer.toUnsignedLong(parameter.type)) + "/" + parameter.value.length) {
      case "boolean/1":
        return parameter.value[0] == 0 ? "false" : "true";
      case "smallint/2":
        return Short.toString(value.getShort());
      case "integer/4":
        return Integer.toString(value.getInt());
      case "bigint/8":
        return Long.toString(value.getLong());
      case "real/4":
        return Float.toString(value.getFloat());
      case "double precision/8":
        return Double.toString(value.getDouble());
      case "uuid/16":
        return new UUID(value.getLong(), value.getLong()).toString();
      default:
        return TypeNames.isText(Integer.toUnsignedLong(parameter.type))
            ? characters(parameter.value)
            : hex(parameter.value);
    }
  }

  private static String characters(byte[] value) {
    try {
      return VisibleText.of(BodyReader.utf8(ByteBuffer.wrap(value)));
    } catch (MalformedMessage e) {
      return hex(value);
    }
  }

  private static String hex(byte[] value) {
    return "\\x" + HexFormat.of().formatHex(value);
  }
}
