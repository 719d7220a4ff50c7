package dev.chaperone.operator.certificates;

import dev.chaperone.operator.channel.ServerIdentity;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;

/** Keeps the authority that is stored and the serving certificate of this replica in order. */
final class CertificateKeeper {
  private static final System.Logger LOGGER = System.getLogger(CertificateKeeper.class.getName());

  /** Each lost race means that another replica has stored one: the next look finds it. */
  private static final int ATTEMPTS = 5;

  private final AuthorityStore store;
  private final CertificateSettings settings;
  private final InstantSource clock;
  private Certificates certificates;

  CertificateKeeper(AuthorityStore store, CertificateSettings settings, InstantSource clock) {
    this.store = store;
    this.settings = settings;
    this.clock = clock;
  }

  /** The stored authority cannot be used and is left as it is. */
  static final class DamagedAuthorityException extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedAuthorityException(String problem) {
      super(problem);
    }
  }

  /**
   * Does what is due.
   *
   * @return what is to be used from now on
   * @throws IOException where the store cannot be reached
   * @throws DamagedAuthorityException where what is stored is not what an operator stores
   */
  synchronized Certificates refresh() throws IOException, DamagedAuthorityException {
    for (int i = 0; i < ATTEMPTS; i++) {
      Optional<AuthorityStore.Stored> stored = store.read();
      Instant now = clock.instant();
      AuthorityStep step =
          AuthorityStep.of(
              stored
                  .map(s -> AuthoritySecret.read(s.data()))
                  .orElseGet(AuthoritySecret.Absent::new),
              now,
              settings.authorityLife());
      if (step instanceof AuthorityStep.Stop stop) {
        throw new DamagedAuthorityException(stop.problem());
      }
      if (step instanceof AuthorityStep.Use use) {
        certificates = use(use, now);
        return certificates;
      }
      if (take(step, stored, now)) {
        LOGGER.log(
            System.Logger.Level.INFO,
            "certificate authority stored step={0}",
            step.getClass().getSimpleName());
      }
    }
    throw new IOException("the certificate authority could not be stored: others store it too");
  }

  /** Whether this replica was the first. */
  private boolean take(AuthorityStep step, Optional<AuthorityStore.Stored> stored, Instant now)
      throws IOException {
    Duration life = settings.authorityLife();
    if (step instanceof AuthorityStep.Renew renew) {
      return store.replace(
          stored.orElseThrow(), AuthoritySecret.write(renew.authority().renewed(now, life)));
    }
    if (step instanceof AuthorityStep.Replace replace) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "the certificate authority has expired and is replaced; pods with a gateway have to be"
              + " replaced too expired={0}",
          replace.expired().current());
      return store.replace(
          stored.orElseThrow(), AuthoritySecret.write(Authority.create(now, life)));
    }
    return store.create(AuthoritySecret.write(Authority.create(now, life)));
  }

  private Certificates use(AuthorityStep.Use use, Instant now) {
    Authority authority = use.authority();
    Certificates before = certificates;
    boolean same =
        before != null
            && before.trusted().get(0).equals(authority.current().certificate())
            && now.isBefore(before.servingRenewal());
    if (same) {
      return new Certificates(
          authority.trusted(now), before.identity(), before.servingRenewal(), use.renewal());
    }
    ServerIdentity identity =
        authority
            .current()
            .server(settings.names(), now, settings.servingLife(), authority.between(now));
    Instant end = identity.chain().get(0).getNotAfter().toInstant();
    Instant renewal = now.plus(Duration.between(now, end).multipliedBy(2).dividedBy(3));
    return new Certificates(authority.trusted(now), identity, renewal, use.renewal());
  }
}
