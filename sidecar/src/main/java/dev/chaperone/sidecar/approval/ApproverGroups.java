package dev.chaperone.sidecar.approval;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Who belongs to which group of approvers, where there is no cluster that knows.
 *
 * @param members users by group
 */
public record ApproverGroups(Map<String, Set<String>> members) {
  /** Nobody belongs to any group. */
  public static final ApproverGroups NONE = new ApproverGroups(Map.of());

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
