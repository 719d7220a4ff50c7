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
import java.util.regex.Pattern;

/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS with the target. PostgreSQL documentation, "SASL
 * Authentication"; RFC 5802 and 7677.
 *
 * <p>{@link #finalMessage} may compute for as long as the target's iteration count says; it does
 * not run on an event loop.
 */
final class ScramLogin {
  /** PostgreSQL's default is 4096; a target cannot make the gateway compute for minutes. */
  private static final int MAX_ITERATIONS = 1_000_000;

  /** RFC 5802 section 7, server-first-message; the library takes some that are not whole for it. */
  private static final Pattern SERVER_FIRST =
      Pattern.compile("r=[!-+\\--~]+,s=[A-Za-z0-9+/]+={0,2},i=[1-9][0-9]{0,9}(,.*)?");

  /** RFC 5802 section 7, server-final-message. */
  private static final Pattern SERVER_FINAL =
      Pattern.compile("(v=[A-Za-z0-9+/]+={0,2}|e=[!-+\\--~]+)(,.*)?");

  /** The server takes the user from the startup packet and ignores this one. */
  private static final String USER = "*";

  private static final int NONCE_CHARACTERS = 24;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final SecretBytes password;
  private final ScramKeys keys;
  private final ScramBinding binding;
  private final String nonce = ScramFunctions.nonce(NONCE_CHARACTERS, RANDOM);
  private ScramClient client;

  ScramLogin(SecretBytes password, ScramKeys keys, ScramBinding binding) {
    this.password = password;
    this.keys = keys;
    this.binding = binding;
  }

  /** The mechanism that is chosen of those that the target offers. */
  String mechanism() {
    return binding.mechanism().getName();
  }

  boolean isBound() {
    return binding.isBound();
  }

  byte[] firstMessage() {
    return new ClientFirstMessage(binding.flag(), binding.type(), null, USER, nonce)
        .toString()
        .getBytes(StandardCharsets.UTF_8);
  }

  byte[] finalMessage(String serverFirstMessage) throws LoginFailure {
    if (!SERVER_FIRST.matcher(serverFirstMessage).matches()) {
      throw LoginFailure.protocol();
    }
    try {
      ServerFirstMessage first = ServerFirstMessage.parseFrom(serverFirstMessage, nonce);
      if (first.getIterationCount() > MAX_ITERATIONS) {
        throw LoginFailure.protocol();
      }
      ScramKeys.Keys derived = keys.of(password, first.getSalt(), first.getIterationCount());
      ScramClient answering = client(derived);
      answering.clientFirstMessage();
      answering.serverFirstMessage(serverFirstMessage);
      client = answering;
      return answering.clientFinalMessage().toString().getBytes(StandardCharsets.UTF_8);
    } catch (ScramException | IllegalArgumentException e) {
      throw LoginFailure.protocol();
    }
  }

  private ScramClient client(ScramKeys.Keys derived) {
    ScramClient.FinalBuildStage building =
        ScramClient.builder()
            .advertisedMechanisms(List.of(mechanism()))
            .username(USER)
            .clientAndServerKey(derived.client(), derived.server())
            .stringPreparation(StringPreparation.POSTGRESQL_PREPARATION)
            .nonceSupplier(() -> nonce);
    switch (binding.flag()) {
      case CHANNEL_BINDING_REQUIRED:
        return building.channelBinding(TlsServerEndPoint.TYPE, binding.data()).build();
      case CLIENT_YES_SERVER_NOT:
        // The library says so where there is data and the mechanism takes none; it is not sent.
        return building.channelBinding(TlsServerEndPoint.TYPE, new byte[1]).build();
      default:
        return building.build();
    }
  }

  /** Checks that the target knows the password too: it is not an impostor. */
  void verify(String serverFinalMessage) throws LoginFailure {
    if (client == null || !SERVER_FINAL.matcher(serverFinalMessage).matches()) {
      throw LoginFailure.protocol();
    }
    try {
      client.serverFinalMessage(serverFinalMessage);
    } catch (ScramException | IllegalArgumentException e) {
      throw LoginFailure.credentials();
    }
  }
}
