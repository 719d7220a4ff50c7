package dev.chaperone.operator.certificates;

import java.io.IOException;
import java.time.Instant;
import java.util.Objects;

/** Where a replica finds what it signs its serving certificate with. */
interface AuthoritySource {

  /**
   * What is to be used.
   *
   * @param renewal when there is something else to do
   */
  record InUse(SigningAuthority authority, Instant renewal) {
    public InUse {
      Objects.requireNonNull(authority, "authority");
      Objects.requireNonNull(renewal, "renewal");
    }
  }

  /**
   * Looks, and does what is due.
   *
   * @throws IOException where it cannot be reached, or is not there yet
   * @throws UnusableAuthorityException where what is there cannot be used, and is left as it is
   */
  InUse look(Instant now) throws IOException, UnusableAuthorityException;

  /** What is there cannot be used. The message is for people, and holds nothing secret. */
  final class UnusableAuthorityException extends Exception {
    private static final long serialVersionUID = 1L;

    UnusableAuthorityException(String problem) {
      super(problem);
    }
  }

  /** Nothing is there, and it is not the operator's to make it. */
  final class NotIssuedException extends IOException {
    private static final long serialVersionUID = 1L;

    NotIssuedException(String problem) {
      super(problem);
    }
  }
}
