package dev.chaperone.control.translation;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;

/** Bytes that are never shown. Compared by value, in constant time. */
public final class SecretBytes {
  private final byte[] bytes;

  /** Takes a copy. */
  public SecretBytes(byte[] bytes) {
    this.bytes = bytes.clone();
  }

  /** A copy of the bytes; the caller may wipe it. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** The bytes as UTF-8 text; the caller may wipe it. */
  public char[] chars() {
    java.nio.CharBuffer decoded = StandardCharsets.UTF_8.decode(java.nio.ByteBuffer.wrap(bytes));
    char[] chars = new char[decoded.remaining()];
    decoded.get(chars);
    Arrays.fill(decoded.array(), '\0');
    return chars;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SecretBytes that && MessageDigest.isEqual(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return "(secret)";
  }
}
