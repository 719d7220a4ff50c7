package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.access.AccessReviews;
import dev.chaperone.operator.access.AccessReviews.Question;
import dev.chaperone.operator.access.SecretReading;
import dev.chaperone.operator.distribution.Conditions;
import dev.chaperone.operator.injection.GuardedSecrets;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Whether the agents of a connection may read its credential themselves. A pod is refused for that
 * when it is made; permissions that are given later, and connections that say {@code
 * refusePrivileged: false}, are seen here.
 */
final class AgentPrivileges {
  /** The condition's type. */
  static final String TYPE = "AgentPrivileged";

  /** Accounts of one connection that are asked about. */
  private static final int MAX_ACCOUNTS = 50;

  private static final int MAX_NAMED = 5;

  private final AccessReviews reviews;

  /**
   * @param reviews remembers what it was asked for a while
   */
  AgentPrivileges(AccessReviews reviews) {
    this.reviews = reviews;
  }

  /** Empty where the connection has no agents. */
  Optional<Condition> condition(AgentConnection connection, List<Pod> agents) {
    SortedSet<String> accounts =
        agents.stream()
            .map(AgentPrivileges::account)
            .collect(Collectors.toCollection(TreeSet::new));
    if (accounts.isEmpty()) {
      return Optional.empty();
    }
    Long generation = connection.getMetadata().getGeneration();
    try {
      List<String> readers = readers(connection, accounts);
      if (!readers.isEmpty()) {
        return Optional.of(
            Conditions.of(
                TYPE, ConditionStatus.TRUE, "CredentialReadable", message(readers), generation));
      }
    } catch (IOException e) {
      return Optional.of(
          Conditions.of(TYPE, ConditionStatus.UNKNOWN, "NotAnswered", e.getMessage(), generation));
    }
    return Optional.of(
        accounts.size() > MAX_ACCOUNTS
            ? Conditions.of(
                TYPE,
                ConditionStatus.UNKNOWN,
                "TooManyAccounts",
                "more than " + MAX_ACCOUNTS + " service accounts; not all were asked about",
                generation)
            : Conditions.of(TYPE, ConditionStatus.FALSE, "CredentialOutOfReach", "", generation));
  }

  private List<String> readers(AgentConnection connection, SortedSet<String> accounts)
      throws IOException {
    List<String> readers = new ArrayList<>();
    for (String account : accounts.stream().limit(MAX_ACCOUNTS).toList()) {
      for (String secret : GuardedSecrets.of(List.of(connection))) {
        if (mayRead(connection.getMetadata().getNamespace(), account, secret)) {
          readers.add("service account " + account + " may read Secret " + secret);
        }
      }
    }
    return readers;
  }

  private boolean mayRead(String namespace, String account, String secret) throws IOException {
    for (Question question : SecretReading.questions(namespace, account, secret)) {
      if (reviews.allowed(question)) {
        return true;
      }
    }
    return false;
  }

  private static String message(List<String> readers) {
    String named = String.join("; ", readers.subList(0, Math.min(MAX_NAMED, readers.size())));
    return readers.size() > MAX_NAMED
        ? named + "; and " + (readers.size() - MAX_NAMED) + " more"
        : named;
  }

  private static String account(Pod pod) {
    String account = pod.getSpec().getServiceAccountName();
    return account == null || account.isEmpty() ? "default" : account;
  }
}
