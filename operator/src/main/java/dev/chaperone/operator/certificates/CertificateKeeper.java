package dev.chaperone.operator.certificates;

import dev.chaperone.operator.certificates.AuthoritySource.InUse;
import dev.chaperone.operator.certificates.AuthoritySource.UnusableAuthorityException;
import dev.chaperone.operator.channel.ServerIdentity;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** Keeps the serving certificate of this replica in order, signed by the authority of that time. */
final class CertificateKeeper {
  private final AuthoritySource source;
  private final CertificateSettings settings;
  private final InstantSource clock;
  private Certificates certificates;

  CertificateKeeper(AuthoritySource source, CertificateSettings settings, InstantSource clock) {
    this.source = source;
    this.settings = settings;
    this.clock = clock;
  }

  /**
   * Does what is due.
   *
   * @return what is to be used from now on
   * @throws IOException where the authority cannot be reached, or is not there yet
   * @throws UnusableAuthorityException where it cannot be used
   */
  synchronized Certificates refresh() throws IOException, UnusableAuthorityException {
    Instant now = clock.instant();
    certificates = use(source.look(now), now);
    return certificates;
  }

  private Certificates use(InUse use, Instant now) {
    SigningAuthority authority = use.authority();
    Certificates before = certificates;
    boolean same =
        before != null
            && before.issuer().equals(authority.current().certificate())
            && now.isBefore(before.servingRenewal());
    if (same) {
      return new Certificates(
          authority.trusted(now),
          before.issuer(),
          before.identity(),
          before.servingRenewal(),
          use.renewal());
    }
    ServerIdentity identity =
        authority
            .current()
            .server(settings.names(), now, settings.servingLife(), authority.between(now));
    Instant end = identity.chain().get(0).getNotAfter().toInstant();
    Instant renewal = now.plus(Duration.between(now, end).multipliedBy(2).dividedBy(3));
    return new Certificates(
        authority.trusted(now),
        authority.current().certificate(),
        identity,
        renewal,
        use.renewal());
  }
}
