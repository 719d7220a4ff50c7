package dev.chaperone.sidecar.protocol.postgresql;

import com.ongres.scram.client.ScramClient;
import com.ongres.scram.common.StringPreparation;
import com.ongres.scram.common.exception.ScramException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * SCRAM-SHA-256 with the target. PostgreSQL documentation, "SASL Authentication"; RFC 5802 and
 * 7677.
 *
 * <p>{@link #finalMessage} computes for as long as the target's iteration count says; it does not
 * run on an event loop.
 */
final class ScramLogin {
  static final String MECHANISM = "SCRAM-SHA-256";

  /** PostgreSQL's default is 4096; a target cannot make the gateway compute for minutes. */
  private static final int MAX_ITERATIONS = 1_000_000;

  private static final Pattern ITERATIONS = Pattern.compile("(?:^|,)i=([0-9]{1,10})(?:,|$)");

  private final ScramClient client;
  private boolean answered;

  ScramLogin(char[] password) {
    // The server takes the user from the startup packet and ignores this one.
    this.client =
        ScramClient.builder()
            .advertisedMechanisms(List.of(MECHANISM))
            .username("*")
            .password(password)
            .stringPreparation(StringPreparation.POSTGRESQL_PREPARATION)
            .build();
  }

  byte[] firstMessage() {
    return client.clientFirstMessage().toString().getBytes(StandardCharsets.UTF_8);
  }

  byte[] finalMessage(String serverFirstMessage) throws LoginFailure {
    Matcher iterations = ITERATIONS.matcher(serverFirstMessage);
    if (!iterations.find() || Long.parseLong(iterations.group(1)) > MAX_ITERATIONS) {
      throw LoginFailure.protocol();
    }
    try {
      client.serverFirstMessage(serverFirstMessage);
      answered = true;
      return client.clientFinalMessage().toString().getBytes(StandardCharsets.UTF_8);
    } catch (ScramException e) {
      throw LoginFailure.protocol();
    }
  }

  /** Checks that the target knows the password too: it is not an impostor. */
  void verify(String serverFinalMessage) throws LoginFailure {
    if (!answered) {
      throw LoginFailure.protocol();
    }
    try {
      client.serverFinalMessage(serverFinalMessage);
    } catch (ScramException e) {
      throw LoginFailure.credentials();
    }
  }
}
