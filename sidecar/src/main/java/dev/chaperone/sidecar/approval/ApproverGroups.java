package dev.chaperone.sidecar.approval;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Who belongs to which group of approvers.
 *
 * @param members users by group, where there is no cluster that knows
 * @param vouchedFor whether each decision comes from a cluster that has seen to it that its maker
 *     is one of those whom the request names
 */
public record ApproverGroups(Map<String, Set<String>> members, boolean vouchedFor) {
  /** Nobody belongs to any group. */
  public static final ApproverGroups NONE = new ApproverGroups(Map.of());

  /** The API server has judged who decides. */
  public static final ApproverGroups VOUCHED_FOR = new ApproverGroups(Map.of(), true);

  /** Groups of a machine without a cluster. */
  public ApproverGroups(Map<String, Set<String>> members) {
    this(members, false);
  }

  public ApproverGroups {
    Map<String, Set<String>> copy = new HashMap<>();
    members.forEach((group, users) -> copy.put(group, Set.copyOf(users)));
    members = Map.copyOf(copy);
  }

  /** The groups a user belongs to. */
  Set<String> of(String user) {
    Set<String> groups = new HashSet<>();
    members.forEach(
        (group, users) -> {
          if (users.contains(user)) {
            groups.add(group);
          }
        });
    return groups;
  }
}
