package dev.chaperone.recording;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * What a store has seen of a recording at some time, and signs: that of this session of this pod,
 * signed with this key, so much was there, with this event as its last one.
 *
 * @param podUid of the pod whose sidecar has sent it
 * @param session the session's name
 * @param recordingKey which key signs the recording
 * @param storeKey which key signs this
 * @param micros when
 * @param head the last event
 * @param bytes how long the recording is up to the end of that event, all segments together
 */
public record CountersignedHead(
    String podUid,
    String session,
    Bytes recordingKey,
    Bytes storeKey,
    long micros,
    Head head,
    long bytes) {
  /** Where a store keeps them, beside the segments. */
  public static final String FILE_NAME = "countersigned.heads";

  private static final byte[] DOMAIN =
      "chaperone countersigned head v1\0".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] MAGIC = {'C', 'H', 'C', 'S'};
  private static final int VERSION = 1;
  private static final Pattern POD_UID = Pattern.compile("[A-Za-z0-9][-A-Za-z0-9]{0,127}");

  /** Magic, version, length, time, event, bytes, hash and both keys. */
  private static final int FIXED_BYTES = 4 + 2 + 2 + 3 * 8 + 3 * Format.HASH_BYTES;

  /** Up to the length. */
  static final int BEGINNING_BYTES = 8;

  static final int MIN_BYTES = FIXED_BYTES + 2 + 1 + 2 + 1 + Format.SIGNATURE_BYTES;

  /** The longest entry. */
  public static final int MAX_BYTES = FIXED_BYTES + 2 + 128 + 2 + 253 + Format.SIGNATURE_BYTES;

  public CountersignedHead {
    Objects.requireNonNull(head, "head");
    if (!POD_UID.matcher(podUid).matches()
        || !SegmentHeader.SESSION_NAME.matcher(session).matches()) {
      throw new IllegalArgumentException("not a name for a session of a pod");
    }
    if (recordingKey.length() != Format.HASH_BYTES
        || storeKey.length() != Format.HASH_BYTES
        || head.hash().length() != Format.HASH_BYTES) {
      throw new IllegalArgumentException("not a hash");
    }
    if (head.events() < 1 || bytes < 1) {
      throw new IllegalArgumentException("there is nothing to be signed yet");
    }
  }

  /** What is signed. */
  byte[] message() {
    byte[] content = content();
    byte[] message = Arrays.copyOf(DOMAIN, DOMAIN.length + content.length);
    System.arraycopy(content, 0, message, DOMAIN.length, content.length);
    return message;
  }

  /** As it stands in a file. */
  public byte[] encode(Bytes signature) {
    if (signature.length() != Format.SIGNATURE_BYTES) {
      throw new IllegalArgumentException("not a signature");
    }
    byte[] content = content();
    byte[] entry = Arrays.copyOf(content, content.length + Format.SIGNATURE_BYTES);
    System.arraycopy(signature.array(), 0, entry, content.length, Format.SIGNATURE_BYTES);
    return entry;
  }

  private byte[] content() {
    byte[] uid = podUid.getBytes(StandardCharsets.US_ASCII);
    byte[] name = session.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer out = ByteBuffer.allocate(FIXED_BYTES + 2 + uid.length + 2 + name.length);
    out.put(MAGIC);
    out.putShort((short) VERSION);
    out.putShort((short) (out.capacity() + Format.SIGNATURE_BYTES));
    out.putLong(micros);
    out.putLong(head.events());
    out.putLong(bytes);
    out.put(head.hash().array());
    out.put(recordingKey.array());
    out.put(storeKey.array());
    out.putShort((short) uid.length);
    out.put(uid);
    out.putShort((short) name.length);
    out.put(name);
    return out.array();
  }

  /** How long an entry is that begins with these bytes. */
  static int length(byte[] beginning) throws MalformedRecordingException {
    if (!Arrays.equals(beginning, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw new MalformedRecordingException("this is no countersigned head");
    }
    ByteBuffer in = ByteBuffer.wrap(beginning);
    if (in.getShort(4) != VERSION) {
      throw new MalformedRecordingException("a countersigned head has another version than 1");
    }
    int length = in.getShort(6);
    if (length < MIN_BYTES || length > MAX_BYTES) {
      throw new MalformedRecordingException("a countersigned head has an impossible length");
    }
    return length;
  }

  /**
   * Sees to it that an entry that is not whole is as long as it says: else its end could be hidden
   * by a longer length.
   *
   * @param there how many bytes of it are there
   */
  static void requireLength(byte[] entry, int there) throws MalformedRecordingException {
    ByteBuffer in = ByteBuffer.wrap(entry);
    if (there < FIXED_BYTES + 2) {
      return;
    }
    int name = FIXED_BYTES + 2 + in.getShort(FIXED_BYTES);
    if (name < FIXED_BYTES || name + 2 > entry.length) {
      throw new MalformedRecordingException("a countersigned head is shorter than what it holds");
    }
    if (there >= name + 2
        && name + 2 + in.getShort(name) + Format.SIGNATURE_BYTES != entry.length) {
      throw new MalformedRecordingException("a countersigned head has another length than it says");
    }
  }

  /** Reads an entry of the length that it says, without its signature. */
  static CountersignedHead decode(byte[] entry) throws MalformedRecordingException {
    ByteBuffer in = ByteBuffer.wrap(entry, 8, entry.length - 8 - Format.SIGNATURE_BYTES);
    long micros = in.getLong();
    long event = in.getLong();
    long bytes = in.getLong();
    Bytes hash = hash(in);
    Bytes recordingKey = hash(in);
    Bytes storeKey = hash(in);
    String podUid = name(in);
    String session = name(in);
    if (in.hasRemaining()) {
      throw new MalformedRecordingException("a countersigned head is longer than what it holds");
    }
    try {
      return new CountersignedHead(
          podUid, session, recordingKey, storeKey, micros, new Head(event, hash), bytes);
    } catch (IllegalArgumentException e) {
      throw new MalformedRecordingException("a countersigned head names what cannot be");
    }
  }

  private static Bytes hash(ByteBuffer in) {
    byte[] hash = new byte[Format.HASH_BYTES];
    in.get(hash);
    return Bytes.of(hash);
  }

  private static String name(ByteBuffer in) throws MalformedRecordingException {
    int length = in.remaining() < 2 ? -1 : in.getShort();
    if (length < 1 || length > in.remaining()) {
      throw new MalformedRecordingException("a countersigned head is shorter than what it holds");
    }
    byte[] name = new byte[length];
    in.get(name);
    return new String(name, StandardCharsets.US_ASCII);
  }
}
