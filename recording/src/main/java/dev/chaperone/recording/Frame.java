package dev.chaperone.recording;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;

/** One frame as it stands in a file. Nothing of it is trusted but its length. */
final class Frame {
  private final long offset;
  private final byte[] content;

  Frame(long offset, byte[] content) {
    this.offset = offset;
    this.content = content;
  }

  /** Where it begins in its file. */
  long offset() {
    return offset;
  }

  int length() {
    return content.length;
  }

  int type() {
    return content[4] & 0xff;
  }

  long sequence() {
    return ByteBuffer.wrap(content).getLong(5);
  }

  long micros() {
    return ByteBuffer.wrap(content).getLong(13);
  }

  Bytes payload() {
    return Bytes.copy(
        content,
        Format.FRAME_HEAD_BYTES,
        content.length - Format.FRAME_HEAD_BYTES - Format.HASH_BYTES);
  }

  /** The hash it says it has. */
  Bytes hash() {
    return Bytes.copy(content, content.length - Format.HASH_BYTES, Format.HASH_BYTES);
  }

  /** Whether it has the hash it says, behind an event with that hash. */
  boolean follows(Bytes previous, MessageDigest sha256) {
    sha256.update(previous.array());
    sha256.update(content, 0, content.length - Format.HASH_BYTES);
    byte[] computed = sha256.digest();
    return Arrays.equals(
        computed,
        0,
        Format.HASH_BYTES,
        content,
        content.length - Format.HASH_BYTES,
        content.length);
  }

  /** The same frame with another number. */
  Frame withSequence(long sequence) {
    byte[] copy = content.clone();
    ByteBuffer.wrap(copy).putLong(5, sequence);
    return new Frame(offset, copy);
  }

  /** The same bytes with the length they have. */
  Frame withLength() {
    byte[] copy = content.clone();
    ByteBuffer.wrap(copy).putInt(0, copy.length);
    return new Frame(offset, copy);
  }
}
