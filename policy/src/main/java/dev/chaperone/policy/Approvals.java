package dev.chaperone.policy;

import dev.chaperone.policy.Decision.Approval;
import dev.chaperone.policy.Decision.Approval.InTransaction;
import dev.chaperone.policy.Decision.Approval.Scope;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Joins the terms of several rules that all ask for approval of one operation. */
final class Approvals {
  private Approvals() {}

  /**
   * Terms that satisfy each of the given ones: only approvers that all of them name, and of
   * everything else the strictest. Empty where no approver is named by all.
   */
  static Optional<Approval> all(List<Approval> terms) {
    Approval joined = terms.get(0);
    for (Approval other : terms.subList(1, terms.size())) {
      Set<String> users = common(joined.users(), other.users());
      Set<String> groups = common(joined.groups(), other.groups());
      if (users.isEmpty() && groups.isEmpty()) {
        return Optional.empty();
      }
      joined =
          new Approval(
              users,
              groups,
              joined.humansOnly() || other.humansOnly(),
              Math.max(joined.count(), other.count()),
              least(joined.timeout(), other.timeout()),
              stricter(joined.inTransaction(), other.inTransaction()),
              joined.scope() == Scope.ONCE ? Scope.ONCE : other.scope(),
              least(joined.grantDuration(), other.grantDuration()));
    }
    return Optional.of(joined);
  }

  private static Set<String> common(Set<String> one, Set<String> other) {
    Set<String> common = new HashSet<>(one);
    common.retainAll(other);
    return Set.copyOf(common);
  }

  private static <T extends Comparable<? super T>> T least(T one, T other) {
    return one.compareTo(other) <= 0 ? one : other;
  }

  private static InTransaction stricter(InTransaction one, InTransaction other) {
    if (one == InTransaction.REFUSE || other == InTransaction.REFUSE) {
      return InTransaction.REFUSE;
    }
    return one == other ? one : InTransaction.UNLESS_WRITTEN;
  }
}
