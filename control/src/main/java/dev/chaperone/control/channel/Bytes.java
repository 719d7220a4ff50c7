package dev.chaperone.control.channel;

import java.util.Arrays;
import java.util.HexFormat;

/** Bytes that are no secret: a challenge, a public key, a signature. Compared by value. */
public final class Bytes {
  private static final int SHOWN = 8;

  private final byte[] bytes;

  /** Takes a copy. */
  public Bytes(byte[] bytes) {
    this.bytes = bytes.clone();
  }

  /** A copy of the bytes. */
  public byte[] toArray() {
    return bytes.clone();
  }

  /** How many there are. */
  public int length() {
    return bytes.length;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** The first few in hexadecimal, to tell one from another. */
  @Override
  public String toString() {
    String shown = HexFormat.of().formatHex(bytes, 0, Math.min(SHOWN, bytes.length));
    return bytes.length > SHOWN ? shown + "..." : shown;
  }
}
