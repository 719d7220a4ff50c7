package dev.chaperone.policy.masking;

/** jsonb_send in the server's jsonb.c: a version, then the text. */
final class JsonFormat {
  private static final int VERSION = 1;

  private JsonFormat() {}

  static void version(boolean binary, ByteOutput out) {
    if (binary) {
      out.put(VERSION);
    }
  }
}
