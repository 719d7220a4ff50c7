package dev.chaperone.recording;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * What a segment begins with.
 *
 * @param session the session's name
 * @param segment the segment's number, from 1
 * @param firstEvent the number of its first event
 * @param micros when it was begun
 * @param key which key signs it: SHA-256 of the public key
 * @param previous the hash of the last event of the segment before; zeros in the first one
 */
record SegmentHeader(
    String session, int segment, long firstEvent, long micros, Bytes key, Bytes previous) {
  /** A name that is also the name of a directory and of a resource. */
  static final Pattern SESSION_NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");

  static final Bytes NO_PREVIOUS = Bytes.of(new byte[Format.HASH_BYTES]);

  /** Everything but the session's name. */
  private static final int FIXED_BYTES = 8 + 2 + 2 + 4 + 8 + 8 + 3 * Format.HASH_BYTES + 2;

  static final int MIN_BYTES = Format.align(FIXED_BYTES + 1);
  static final int MAX_BYTES = Format.align(FIXED_BYTES + 253);

  SegmentHeader {
    if (!SESSION_NAME.matcher(session).matches()) {
      throw new IllegalArgumentException("not a name for a session");
    }
  }

  /** The header's bytes; the last 32 are the hash its first event follows. */
  byte[] encode() {
    byte[] name = session.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer out = ByteBuffer.allocate(Format.align(FIXED_BYTES + name.length));
    out.put(Format.MAGIC);
    out.putShort((short) Format.VERSION);
    out.putShort((short) out.capacity());
    out.putInt(segment);
    out.putLong(firstEvent);
    out.putLong(micros);
    out.put(key.array());
    out.put(previous.array());
    out.putShort((short) name.length);
    out.put(name);
    int end = out.capacity() - Format.HASH_BYTES;
    MessageDigest sha256 = Format.sha256();
    sha256.update(out.array(), 0, end);
    out.position(end).put(sha256.digest());
    return out.array();
  }

  /** The hash that the first event follows. */
  Bytes encodedHash() {
    byte[] bytes = encode();
    return Bytes.copy(bytes, bytes.length - Format.HASH_BYTES, Format.HASH_BYTES);
  }

  /** How long a header is that begins with these bytes. */
  static int length(byte[] beginning) throws MalformedRecordingException {
    if (!Arrays.equals(beginning, 0, 8, Format.MAGIC, 0, 8)) {
      throw new MalformedRecordingException("this is no segment of a recording");
    }
    ByteBuffer in = ByteBuffer.wrap(beginning);
    int version = in.getShort(8);
    if (version != Format.VERSION) {
      throw new MalformedRecordingException("the format has another version than 1");
    }
    int length = in.getShort(10);
    if (length < MIN_BYTES || length > MAX_BYTES || length != Format.align(length)) {
      throw new MalformedRecordingException("the header has an impossible length");
    }
    return length;
  }

  static SegmentHeader decode(byte[] bytes) throws MalformedRecordingException {
    ByteBuffer in = ByteBuffer.wrap(bytes, 12, bytes.length - 12);
    int segment = in.getInt();
    long firstEvent = in.getLong();
    long micros = in.getLong();
    Bytes key = Bytes.copy(bytes, in.position(), Format.HASH_BYTES);
    in.position(in.position() + Format.HASH_BYTES);
    Bytes previous = Bytes.copy(bytes, in.position(), Format.HASH_BYTES);
    in.position(in.position() + Format.HASH_BYTES);
    int nameBytes = in.getShort();
    int end = bytes.length - Format.HASH_BYTES;
    if (nameBytes < 1 || Format.align(FIXED_BYTES + nameBytes) != bytes.length) {
      throw new MalformedRecordingException("the header has another length than it says");
    }
    MessageDigest sha256 = Format.sha256();
    sha256.update(bytes, 0, end);
    if (!Arrays.equals(sha256.digest(), Arrays.copyOfRange(bytes, end, bytes.length))) {
      throw new MalformedRecordingException("the header was changed");
    }
    String session = new String(bytes, in.position(), nameBytes, StandardCharsets.US_ASCII);
    if (!SESSION_NAME.matcher(session).matches() || segment < 1 || firstEvent < 1) {
      throw new MalformedRecordingException("the header names what cannot be");
    }
    return new SegmentHeader(session, segment, firstEvent, micros, key, previous);
  }
}
