package dev.chaperone.operator.certificates;

import dev.chaperone.operator.channel.ServerIdentity;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** An authority of its own, and a server's certificate for the loopback address. */
public final class TestCertificates {
  private final Authority authority = Authority.create(Instant.now(), Duration.ofDays(1));
  private final ServerIdentity identity =
      authority
          .current()
          .server(List.of("127.0.0.1"), Instant.now(), Duration.ofDays(1), List.of());

  /** Whom to trust, in PEM. */
  public String pem() {
    return Pem.certificates(List.of(authority.current().certificate()));
  }

  /** What a server shows. */
  public ServerIdentity identity() {
    return identity;
  }
}
