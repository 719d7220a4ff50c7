package dev.chaperone.recording;

import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Objects;

/**
 * The text of a statement.
 *
 * @param text at most {@link #MAX_BYTES}; of a longer text its beginning
 * @param length of the whole text in bytes
 * @param digest SHA-256 of the whole text where it is longer than what is kept, else empty
 * @param masked whether literals were taken out
 * @param reused whether it is run again and again: prepared, or named by an approval
 */
public record Statement(Bytes text, long length, Bytes digest, boolean masked, boolean reused) {
  /** How much of a text is kept. */
  public static final int MAX_BYTES = 1 << 20;

  /** No text: what was refused had none. */
  public static final Repeated<Statement> NONE = of(new byte[0], false, false);

  public Statement {
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(digest, "digest");
  }

  /** Of a text, which is taken over. */
  public static Repeated<Statement> of(byte[] text, boolean masked, boolean reused) {
    if (text.length <= MAX_BYTES) {
      return Repeated.of(new Statement(Bytes.of(text), text.length, Bytes.EMPTY, masked, reused));
    }
    MessageDigest sha256 = Format.sha256();
    return Repeated.of(
        new Statement(
            Bytes.of(Arrays.copyOf(text, MAX_BYTES)),
            text.length,
            Bytes.of(sha256.digest(text)),
            masked,
            reused));
  }

  /** Whether only the beginning is kept. */
  public boolean isCut() {
    return length > text.length();
  }
}
