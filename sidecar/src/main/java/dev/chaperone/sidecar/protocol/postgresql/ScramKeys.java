package dev.chaperone.sidecar.protocol.postgresql;

import com.ongres.scram.common.ScramFunctions;
import com.ongres.scram.common.ScramMechanism;
import com.ongres.scram.common.StringPreparation;
import dev.chaperone.control.translation.SecretBytes;
import java.util.Arrays;
import java.util.Base64;

/**
 * The keys that SCRAM derives from one target's password. RFC 5802 section 3 lets a client keep
 * them for a salt and an iteration count: a password has one of each on the server, so that only
 * the first of many logins computes. They are worth as much as the password and go no further than
 * it.
 *
 * <p>Safe for use by any thread; logins that come together wait for the one that computes.
 */
final class ScramKeys {
  static final ScramMechanism MECHANISM = ScramMechanism.SCRAM_SHA_256;

  /** ClientKey and ServerKey. */
  static final class Keys {
    private final byte[] client;
    private final byte[] server;

    private Keys(byte[] client, byte[] server) {
      this.client = client;
      this.server = server;
    }

    /** Not to be modified. */
    byte[] client() {
      return client;
    }

    /** Not to be modified. */
    byte[] server() {
      return server;
    }
  }

  private record Derived(SecretBytes password, String salt, int iterations, Keys keys) {
    boolean isOf(SecretBytes otherPassword, String otherSalt, int otherIterations) {
      return iterations == otherIterations
          && salt.equals(otherSalt)
          && password.equals(otherPassword);
    }
  }

  private Derived latest;

  /**
   * The keys of a password.
   *
   * @param salt as the server sent it, in base64
   * @throws IllegalArgumentException if the salt is not base64 or is empty
   */
  synchronized Keys of(SecretBytes password, String salt, int iterations) {
    if (latest == null || !latest.isOf(password, salt, iterations)) {
      latest = new Derived(password, salt, iterations, derive(password, salt, iterations));
    }
    return latest.keys();
  }

  private static Keys derive(SecretBytes password, String salt, int iterations) {
    char[] chars = password.chars();
    byte[] salted = {};
    try {
      salted =
          ScramFunctions.saltedPassword(
              MECHANISM,
              StringPreparation.POSTGRESQL_PREPARATION,
              chars,
              Base64.getDecoder().decode(salt),
              iterations);
      return new Keys(
          ScramFunctions.clientKey(MECHANISM, salted), ScramFunctions.serverKey(MECHANISM, salted));
    } finally {
      Arrays.fill(chars, '\0');
      Arrays.fill(salted, (byte) 0);
    }
  }
}
