package dev.chaperone.sidecar;

import dev.chaperone.sidecar.approval.ApproverGroups;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** {@code --group NAME=USER,USER}: who belongs to a group of approvers, where no cluster knows. */
record GroupMembers(String group, Set<String> users) {
  GroupMembers {
    users = Set.copyOf(users);
  }

  static ApproverGroups groups(List<GroupMembers> all) {
    Map<String, Set<String>> members = new HashMap<>();
    for (GroupMembers one : all) {
      members.computeIfAbsent(one.group(), group -> new HashSet<>()).addAll(one.users());
    }
    return new ApproverGroups(members);
  }

  /** Reads the option's value. */
  static final class Converter implements ITypeConverter<GroupMembers> {
    @Override
    public GroupMembers convert(String value) {
      int equals = value.indexOf('=');
      if (equals <= 0 || equals == value.length() - 1) {
        throw new TypeConversionException(
            "expected NAME=USER,USER but was '" + value + "', for example dba=alice,bob");
      }
      return new GroupMembers(
          value.substring(0, equals), Set.of(value.substring(equals + 1).split(",")));
    }
  }
}
