package dev.chaperone.operator.certificates;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;

/** What is to be done about the authority, given what is stored and the time. */
sealed interface AuthorityStep {

  /** Nothing is stored yet: make the first one. */
  record Create() implements AuthorityStep {}

  /**
   * Use it.
   *
   * @param renewal when there is something else to do
   */
  record Use(Authority authority, Instant renewal) implements AuthorityStep {
    public Use {
      Objects.requireNonNull(authority, "authority");
      Objects.requireNonNull(renewal, "renewal");
    }
  }

  /** Two thirds of its life are over: make the next one, for which this one vouches. */
  record Renew(Authority authority) implements AuthorityStep {
    public Renew {
      Objects.requireNonNull(authority, "authority");
    }
  }

  /** Its life is over, so that it can vouch for nobody: begin anew. */
  record Replace(Authority expired) implements AuthorityStep {
    public Replace {
      Objects.requireNonNull(expired, "expired");
    }
  }

  /**
   * Do nothing: what is stored is not what an operator stores, and whoever changed it may want it
   * back.
   *
   * @param problem what is wrong and the way out; nothing secret
   */
  record Stop(String problem) implements AuthorityStep {
    public Stop {
      Objects.requireNonNull(problem, "problem");
    }
  }

  /** Decides. */
  static AuthorityStep of(AuthoritySecret.Reading stored, Instant now, Duration life) {
    if (stored instanceof AuthoritySecret.Damaged damaged) {
      return new Stop(damaged.problem());
    }
    if (!(stored instanceof AuthoritySecret.Understood understood)) {
      return new Create();
    }
    Authority authority = understood.authority();
    if (!Authority.isValid(authority.current().certificate(), now)) {
      return new Replace(authority);
    }
    Instant renewal = authority.renewal(life);
    return now.isBefore(renewal) ? new Use(authority, renewal) : new Renew(authority);
  }
}
