package dev.chaperone.sidecar.approval;

import dev.chaperone.policy.Decision.Approval;
import java.util.Collections;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Who may decide a request. */
final class ApproverRules {
  /** How Kubernetes names a service account as a user. */
  static final String SERVICE_ACCOUNT = "system:serviceaccount:";

  private ApproverRules() {}

  /**
   * Why a user may not decide; empty where they may.
   *
   * @param requester who asked: nobody decides what they asked for themselves
   * @param serviceAccount the agent's, by its name as a user: behind an end user who asks it is the
   *     agent still
   * @param groups who belongs to which
   */
  static Optional<String> objection(
      Approval approval,
      String requester,
      String serviceAccount,
      String user,
      ApproverGroups groups) {
    if (user.equals(requester)) {
      return Optional.of("the requester does not decide");
    }
    if (user.equals(serviceAccount)) {
      return Optional.of("the agent's service account does not decide");
    }
    if (approval.humansOnly() && user.startsWith(SERVICE_ACCOUNT)) {
      return Optional.of("service accounts do not decide this request");
    }
    if (groups.vouchedFor()
        || approval.users().contains(user)
        || !Collections.disjoint(approval.groups(), groups.of(user))) {
      return Optional.empty();
    }
    return Optional.of("is not one of " + describe(approval));
  }

  /** Who may decide, for people to read. */
  static String describe(Approval approval) {
    Set<String> names = new TreeSet<>();
    approval.groups().forEach(group -> names.add("group " + group));
    approval.users().forEach(user -> names.add("user " + user));
    return String.join(", ", names);
  }
}
