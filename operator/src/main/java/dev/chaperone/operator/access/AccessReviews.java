package dev.chaperone.operator.access;

import dev.chaperone.operator.admission.AdmissionRequest.User;
import java.io.IOException;
import java.util.Objects;

/** Asks who may do what. */
@FunctionalInterface
public interface AccessReviews {

  /** One thing that somebody may be able to do with a Secret. */
  record Question(User user, String verb, String namespace, String secret) {
    public Question {
      Objects.requireNonNull(user, "user");
      Objects.requireNonNull(verb, "verb");
      Objects.requireNonNull(namespace, "namespace");
      Objects.requireNonNull(secret, "secret");
    }
  }

  /**
   * Whether they may.
   *
   * @throws IOException where that cannot be told
   */
  boolean allowed(Question question) throws IOException;
}
