package dev.chaperone.sidecar.protocol.postgresql;

import com.ongres.scram.client.ScramClient;
import com.ongres.scram.common.ClientFirstMessage;
import com.ongres.scram.common.ScramFunctions;
import com.ongres.scram.common.ServerFirstMessage;
import com.ongres.scram.common.StringPreparation;
import com.ongres.scram.common.exception.ScramException;
import dev.chaperone.control.translation.SecretBytes;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;

/**
 * SCRAM-SHA-256 with the target. PostgreSQL documentation, "SASL Authentication"; RFC 5802 and
 * 7677.
 *
 * <p>{@link #finalMessage} may compute for as long as the target's iteration count says; it does
 * not run on an event loop.
 */
final class ScramLogin {
  static final String MECHANISM = ScramKeys.MECHANISM.getName();

  /** PostgreSQL's default is 4096; a target cannot make the gateway compute for minutes. */
  private static final int MAX_ITERATIONS = 1_000_000;

  /** The server takes the user from the startup packet and ignores this one. */
  private static final String USER = "*";

  private static final int NONCE_CHARACTERS = 24;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final SecretBytes password;
  private final ScramKeys keys;
  private final String nonce = ScramFunctions.nonce(NONCE_CHARACTERS, RANDOM);
  private ScramClient client;

  ScramLogin(SecretBytes password, ScramKeys keys) {
    this.password = password;
    this.keys = keys;
  }

  byte[] firstMessage() {
    return new ClientFirstMessage(USER, nonce).toString().getBytes(StandardCharsets.UTF_8);
  }

  byte[] finalMessage(String serverFirstMessage) throws LoginFailure {
    try {
      ServerFirstMessage first = ServerFirstMessage.parseFrom(serverFirstMessage, nonce);
      if (first.getIterationCount() > MAX_ITERATIONS) {
        throw LoginFailure.protocol();
      }
      ScramKeys.Keys derived = keys.of(password, first.getSalt(), first.getIterationCount());
      ScramClient answering =
          ScramClient.builder()
              .advertisedMechanisms(List.of(MECHANISM))
              .username(USER)
              .clientAndServerKey(derived.client(), derived.server())
              .stringPreparation(StringPreparation.POSTGRESQL_PREPARATION)
              .nonceSupplier(() -> nonce)
              .build();
      answering.clientFirstMessage();
      answering.serverFirstMessage(serverFirstMessage);
      client = answering;
      return answering.clientFinalMessage().toString().getBytes(StandardCharsets.UTF_8);
    } catch (ScramException | IllegalArgumentException e) {
      throw LoginFailure.protocol();
    }
  }

  /** Checks that the target knows the password too: it is not an impostor. */
  void verify(String serverFinalMessage) throws LoginFailure {
    if (client == null) {
      throw LoginFailure.protocol();
    }
    try {
      client.serverFinalMessage(serverFinalMessage);
    } catch (ScramException e) {
      throw LoginFailure.credentials();
    }
  }
}
