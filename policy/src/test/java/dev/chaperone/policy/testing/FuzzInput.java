package dev.chaperone.policy.testing;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** An input of a {@link FuzzTest}, read piece by piece; behind its end everything is zero. */
public final class FuzzInput {
  private final byte[] bytes;
  private int position;

  public FuzzInput(byte[] bytes) {
    this.bytes = bytes;
  }

  public boolean isEmpty() {
    return position >= bytes.length;
  }

  /** From 0 to 255. */
  public int octet() {
    return isEmpty() ? 0 : bytes[position++] & 0xff;
  }

  /** From 0 to below the limit, which is at most 65,536. */
  public int below(int limit) {
    return (octet() << 8 | octet()) % limit;
  }

  /** One of a few. */
  @SafeVarargs
  public final <T> T oneOf(T... choices) {
    return choices[octet() % choices.length];
  }

  /** So many bytes, or what is left. */
  public byte[] bytes(int most) {
    byte[] taken = Arrays.copyOfRange(bytes, position, Math.min(bytes.length, position + most));
    position += taken.length;
    return taken;
  }

  /** What is left. */
  public byte[] rest() {
    return bytes(bytes.length - position);
  }

  /** What is left as text; what is no UTF-8 becomes a replacement character. */
  public String text() {
    return new String(rest(), StandardCharsets.UTF_8);
  }
}
