package dev.chaperone.operator.certificates;

import java.io.IOException;
import java.time.Instant;
import java.util.Optional;

/** An authority that somebody else issues into a Secret: read, and never written. */
final class IssuedAuthoritySource implements AuthoritySource {
  private static final String NAME = SecretAuthorityStore.ISSUED;

  private final AuthorityStore store;

  IssuedAuthoritySource(AuthorityStore store) {
    this.store = store;
  }

  @Override
  public InUse look(Instant now) throws IOException, UnusableAuthorityException {
    Optional<AuthorityStore.Stored> stored = store.read();
    if (stored.isEmpty() || !AuthoritySecret.isIssued(stored.get().data())) {
      throw new NotIssuedException(
          "Secret "
              + NAME
              + " holds no authority yet: see Certificate "
              + NAME
              + " and its issuer");
    }
    try {
      IssuedAuthority issued = AuthoritySecret.readIssued(stored.get().data(), now);
      return new InUse(issued, issued.current().certificate().getNotAfter().toInstant());
    } catch (AuthoritySecret.DamagedException e) {
      throw new UnusableAuthorityException(
          "Secret " + NAME + " cannot be used: " + e.getMessage() + "; mend Certificate " + NAME);
    }
  }
}
