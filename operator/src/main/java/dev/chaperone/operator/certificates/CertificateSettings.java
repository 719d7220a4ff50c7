package dev.chaperone.operator.certificates;

import java.time.Duration;
import java.util.List;

/**
 * For whom certificates are made, and for how long.
 *
 * @param names what the operator is called by those who connect: DNS names and IPv4 addresses; at
 *     least one
 * @param authorityLife how long an authority of the operator's own is valid; the next one is made
 *     at two thirds
 * @param servingLife how long a serving certificate is valid; the next one is made at two thirds
 * @param issued whether somebody else issues the authority and renews it, such as cert-manager
 * @param look how often the operator looks for changes that nobody has told it of
 */
public record CertificateSettings(
    List<String> names,
    Duration authorityLife,
    Duration servingLife,
    boolean issued,
    Duration look) {
  private static final Duration SHORTEST = Duration.ofSeconds(3);

  public CertificateSettings {
    names = List.copyOf(names);
    if (names.isEmpty()) {
      throw new IllegalArgumentException("a certificate is for at least one name");
    }
    for (Duration duration : List.of(authorityLife, servingLife)) {
      if (duration.compareTo(SHORTEST) < 0) {
        throw new IllegalArgumentException("a certificate lives for at least " + SHORTEST);
      }
    }
    if (look.isZero() || look.isNegative()) {
      throw new IllegalArgumentException("look must be above zero");
    }
  }

  /** What the operator uses: ten years, seven days, one minute. */
  public static CertificateSettings standard(List<String> names) {
    return new CertificateSettings(
        names, Duration.ofDays(3650), Duration.ofDays(7), false, Duration.ofMinutes(1));
  }
}
