package dev.chaperone.recording;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * How far a recording goes.
 *
 * @param events how many events it has
 * @param hash the hash of the last one
 */
public record Head(long events, Bytes hash) {
  private static final Pattern SYNTAX = Pattern.compile("sha256:[0-9a-f]{64}");

  /** The hash as it is written in resources: {@code sha256:} and 64 digits. */
  public String digest() {
    return digest(hash);
  }

  /** Any SHA-256 as it is written in resources. */
  public static String digest(Bytes hash) {
    return "sha256:" + hash.hex();
  }

  /** The hash of such a text; empty where it is none. */
  public static Optional<Bytes> hashOf(String digest) {
    return SYNTAX.matcher(digest).matches()
        ? Optional.of(Bytes.of(java.util.HexFormat.of().parseHex(digest.substring(7))))
        : Optional.empty();
  }
}
