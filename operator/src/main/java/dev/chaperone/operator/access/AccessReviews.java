package dev.chaperone.operator.access;

import dev.chaperone.operator.admission.AdmissionRequest.User;
import java.io.IOException;
import java.util.Objects;

/** Asks who may do what. */
@FunctionalInterface
public interface AccessReviews {

  /**
   * One thing that somebody may be able to do.
   *
   * @param group of the API; empty for that of pods and Secrets
   * @param subResource empty for the resource itself
   */
  record Question(
      User user,
      String verb,
      String group,
      String resource,
      String subResource,
      String namespace,
      String name) {
    public Question {
      Objects.requireNonNull(user, "user");
      Objects.requireNonNull(verb, "verb");
      Objects.requireNonNull(group, "group");
      Objects.requireNonNull(resource, "resource");
      Objects.requireNonNull(subResource, "subResource");
      Objects.requireNonNull(namespace, "namespace");
      Objects.requireNonNull(name, "name");
    }

    /** About a Secret. */
    public static Question ofSecret(User user, String verb, String namespace, String secret) {
      return new Question(user, verb, "", "secrets", "", namespace, secret);
    }
  }

  /**
   * Whether they may.
   *
   * @throws IOException where that cannot be told
   */
  boolean allowed(Question question) throws IOException;
}
