package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.message;
import static dev.chaperone.sidecar.testing.WireClient.messageOfLength;

import dev.chaperone.policy.testing.FuzzInput;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Messages as inputs of a fuzz test: a type and a body behind its length in two bytes. A change of
 * such an input is mostly another message that is framed as it should be; where the type's highest
 * bit is set, two bytes more say what length it pretends.
 */
final class FuzzMessages {
  private static final int LIES = 0x80;
  private static final int MAX_BODY_BYTES = 1 << 12;

  private FuzzMessages() {}

  /** The input that gives these messages. */
  static byte[] input(byte[]... messages) {
    List<byte[]> parts = new ArrayList<>();
    ByteBuffer all = ByteBuffer.wrap(join(messages));
    while (all.hasRemaining()) {
      byte type = all.get();
      byte[] body = new byte[all.getInt() - Integer.BYTES];
      all.get(body);
      parts.add(new byte[] {type, (byte) (body.length >> 8), (byte) body.length});
      parts.add(body);
    }
    return join(parts.toArray(byte[][]::new));
  }

  /** The messages that an input gives. */
  static byte[] wire(FuzzInput in) {
    List<byte[]> messages = new ArrayList<>();
    while (!in.isEmpty()) {
      int type = in.octet();
      boolean lies = (type & LIES) != 0;
      int pretended = lies ? (short) (in.octet() << 8 | in.octet()) : 0;
      char shown = (char) (type & ~LIES);
      byte[] body = in.bytes(in.below(MAX_BODY_BYTES));
      messages.add(lies ? messageOfLength(shown, pretended, body) : message(shown, body));
    }
    return join(messages.toArray(byte[][]::new));
  }
}
