package dev.chaperone.control.translation;

import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.resource.Resource;
import dev.chaperone.crds.v1alpha1.AccessPolicySpec;
import dev.chaperone.policy.masking.ColumnPattern;
import java.util.List;

/** Finds masking that cannot mean what it says. */
final class MaskingChecks {
  private MaskingChecks() {}

  /**
   * Adds what is wrong.
   *
   * @return whether nothing is
   */
  static boolean check(Resource<AccessPolicySpec> policy, List<Problem> problems) {
    int before = problems.size();
    List<dev.chaperone.crds.v1alpha1.MaskingRule> rules =
        PolicyTranslation.list(policy.spec().masking());
    for (int i = 0; i < rules.size(); i++) {
      List<String> columns = PolicyTranslation.list(rules.get(i).columns());
      for (int j = 0; j < columns.size(); j++) {
        if (ColumnPattern.parse(columns.get(j)).isEmpty()) {
          problems.add(
              policy.problem(
                  "spec.masking[" + i + "].columns[" + j + "]",
                  "\""
                      + columns.get(j)
                      + "\" is not schema.table.column; write public.customers.ssn, or *.*.ssn for"
                      + " every table"));
        }
      }
    }
    return problems.size() == before;
  }
}
