package dev.chaperone.recording;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/** Bytes that do not change. Compared by value. */
public final class Bytes {
  /** No bytes. */
  public static final Bytes EMPTY = new Bytes(new byte[0]);

  private final byte[] array;
  private int hash;

  private Bytes(byte[] array) {
    this.array = array;
  }

  /** Takes over an array, which must not be changed any more. */
  public static Bytes of(byte[] array) {
    return array.length == 0 ? EMPTY : new Bytes(array);
  }

  /** The text in UTF-8. */
  public static Bytes utf8(String text) {
    return of(text.getBytes(StandardCharsets.UTF_8));
  }

  /** A copy of a part of an array. */
  static Bytes copy(byte[] from, int start, int length) {
    return of(Arrays.copyOfRange(from, start, start + length));
  }

  public int length() {
    return array.length;
  }

  /** A copy. */
  public byte[] toArray() {
    return array.clone();
  }

  /** Not to be changed. */
  byte[] array() {
    return array;
  }

  /** As text, where it is valid UTF-8. */
  public Optional<String> text() {
    try {
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(array)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /** In lower-case hexadecimal digits. */
  public String hex() {
    return HexFormat.of().formatHex(array);
  }

  @Override
  public boolean equals(Object other) {
    return this == other || (other instanceof Bytes that && Arrays.equals(array, that.array));
  }

  @Override
  public int hashCode() {
    if (hash == 0) {
      hash = Arrays.hashCode(array);
    }
    return hash;
  }

  /** Only the length: the content may be sensitive. */
  @Override
  public String toString() {
    return array.length + " bytes";
  }
}
