package dev.chaperone.operator.access;

import dev.chaperone.operator.access.AccessReviews.Question;
import dev.chaperone.operator.admission.AdmissionRequest.User;
import java.util.List;
import java.util.Map;

/**
 * What has to be asked to know whether a service account may read a Secret by itself.
 *
 * <p>Reading is {@code get}, {@code list} and {@code watch}. What else may lead there is looked at
 * where it happens: commands in the gateway's container, and tokens of other accounts.
 */
public final class SecretReading {
  private static final List<String> VERBS = List.of("get", "list", "watch");

  private SecretReading() {}

  /** It may where one of the answers is yes. */
  public static List<Question> questions(String namespace, String account, String secret) {
    User user = user(namespace, account);
    return VERBS.stream().map(verb -> Question.ofSecret(user, verb, namespace, secret)).toList();
  }

  /** A service account as Kubernetes authenticates its tokens. */
  private static User user(String namespace, String account) {
    return new User(
        "system:serviceaccount:" + namespace + ":" + account,
        "",
        List.of(
            "system:serviceaccounts",
            "system:serviceaccounts:" + namespace,
            "system:authenticated"),
        Map.of());
  }
}
