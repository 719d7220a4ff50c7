package dev.chaperone.recording;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** The numbers of docs/recording-format.md. */
final class Format {
  static final byte[] MAGIC = {'C', 'H', 'A', 'P', 'R', 'E', 'C', '\n'};
  static final int VERSION = 1;

  static final int HASH_BYTES = 32;
  static final int SIGNATURE_BYTES = 64;

  /** Length, type, number and time. */
  static final int FRAME_HEAD_BYTES = 4 + 1 + 8 + 8;

  static final int FRAME_ALIGNMENT = 4;

  /** The longest frame. */
  static final int MAX_FRAME_BYTES = 128 << 10;

  static final int MIN_FRAME_BYTES = align(FRAME_HEAD_BYTES + HASH_BYTES);
  static final int MAX_PAYLOAD_BYTES =
      MAX_FRAME_BYTES - FRAME_HEAD_BYTES - HASH_BYTES - FRAME_ALIGNMENT;

  /** All that is defined in one segment, in bytes. */
  static final int MAX_DEFINITION_BYTES = 16 << 20;

  static final int MAX_DEFINITIONS = 1 << 16;

  /** A text longer than this is defined, not written into the event. */
  static final int MAX_INLINE_TEXT_BYTES = 32 << 10;

  /** A longer text is defined in parts. */
  static final int TEXT_PART_BYTES = 64 << 10;

  /** What is defined in parts, but for texts. */
  static final int MAX_LONG_DEFINITION_BYTES = 2 << 20;

  static final int MAX_STRING_BYTES = 4 << 10;
  static final int MAX_NAME_BYTES = 256;
  static final int MAX_GROUPS = 64;

  /** How many events a signature may come behind the event it covers. */
  static final int MAX_CHECKPOINT_LAG = 65_536;

  static final int TYPE_DEFINITION = 1;
  static final int TYPE_CHECKPOINT = 2;
  static final int TYPE_CONTINUED = 3;
  static final int TYPE_SEALED = 4;
  static final int TYPE_SESSION_OPENED = 16;
  static final int TYPE_CLIENT_CONNECTED = 17;
  static final int TYPE_CLIENT_DISCONNECTED = 18;
  static final int TYPE_OPERATION_REQUESTED = 19;
  static final int TYPE_OPERATION_COMPLETED = 20;
  static final int TYPE_APPROVAL_OPENED = 21;
  static final int TYPE_APPROVAL_DECIDED = 22;
  static final int TYPE_APPROVAL_USED = 23;
  static final int TYPE_APPROVAL_EXPIRED = 24;
  static final int TYPE_APPROVAL_CANCELLED = 25;
  static final int TYPE_CONFIGURATION_CHANGED = 26;
  static final int TYPE_RECORDING_GAP = 27;
  static final int TYPE_SESSION_REVOKED = 28;
  static final int TYPE_SESSION_ENDED = 29;
  static final int TYPE_TARGET_CHANGED = 30;

  static final int DEFINES_FACTS = 1;
  static final int DEFINES_STATEMENT = 2;
  static final int DEFINES_COLUMNS = 3;
  static final int DEFINES_FACTS_AND_MASKING = 4;
  static final int DEFINES_MASKS = 5;
  static final int DEFINES_COLUMNS_UNDER_MASKS = 6;

  private Format() {}

  /** The next multiple of four. */
  static int align(int bytes) {
    return (bytes + FRAME_ALIGNMENT - 1) & -FRAME_ALIGNMENT;
  }

  static boolean isSigned(int type) {
    return type == TYPE_CHECKPOINT || type == TYPE_CONTINUED || type == TYPE_SEALED;
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
