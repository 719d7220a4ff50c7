package dev.chaperone.sidecar.gateway;

import dev.chaperone.control.translation.ConnectionConfiguration;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Objects;

/**
 * One pod's use of one connection. It spans many client connections; in standalone mode it lasts as
 * long as the gateway runs.
 *
 * @param name names the AgentSession: a DNS name of at most 253 characters
 * @param startedAt when it began
 */
public record Session(String name, Instant startedAt) {
  private static final char[] ALPHABET = "bcdfghjklmnpqrstvwxz2456789".toCharArray();
  private static final int SUFFIX_LENGTH = 8;
  private static final int MAX_PART_LENGTH = 100;
  private static final SecureRandom RANDOM = new SecureRandom();

  public Session {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(startedAt, "startedAt");
  }

  /** A session that begins now, named after pod and connection. */
  static Session begin(ConnectionConfiguration connection) {
    StringBuilder name = new StringBuilder(part(connection.pod().name()));
    name.append('-').append(part(connection.name())).append('-');
    for (int i = 0; i < SUFFIX_LENGTH; i++) {
      name.append(ALPHABET[RANDOM.nextInt(ALPHABET.length)]);
    }
    return new Session(name.toString(), Instant.now());
  }

  private static String part(String name) {
    return name.length() > MAX_PART_LENGTH ? name.substring(0, MAX_PART_LENGTH) : name;
  }
}
