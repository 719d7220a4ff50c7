package dev.chaperone.operator.certificates;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** The operator's own authority: made by the first replica, renewed in time by one of them. */
final class OwnAuthority implements AuthoritySource {
  private static final System.Logger LOGGER = System.getLogger(OwnAuthority.class.getName());

  /** Each lost race means that another replica has stored one: the next look finds it. */
  private static final int ATTEMPTS = 5;

  private final AuthorityStore store;
  private final Duration life;

  OwnAuthority(AuthorityStore store, Duration life) {
    this.store = store;
    this.life = life;
  }

  @Override
  public InUse look(Instant now) throws IOException, UnusableAuthorityException {
    for (int i = 0; i < ATTEMPTS; i++) {
      Optional<AuthorityStore.Stored> stored = store.read();
      AuthorityStep step =
          AuthorityStep.of(
              stored
                  .map(s -> AuthoritySecret.read(s.data()))
                  .orElseGet(AuthoritySecret.Absent::new),
              now,
              life);
      if (step instanceof AuthorityStep.Stop stop) {
        throw new UnusableAuthorityException(
            "Secret "
                + SecretAuthorityStore.OWN
                + " is damaged: "
                + stop.problem()
                + "; restore it, or delete it for a new authority, with which pods that have a"
                + " gateway must be replaced");
      }
      if (step instanceof AuthorityStep.Use use) {
        return new InUse(use.authority(), use.renewal());
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
}
