package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.ClauseCursor.Range;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.List;

/** The positions that ORDER BY, GROUP BY and DISTINCT ON name columns of the result by. */
final class ColumnOrdinals {
  private final ClauseCursor in;
  private final boolean lineage;
  private boolean used;

  /** The order of the columns of a result may be another one than is known here. */
  private boolean hasUncertainOrder;

  ColumnOrdinals(ClauseCursor in, boolean lineage) {
    this.in = in;
    this.lineage = lineage;
  }

  /** From here on the order of the columns of a result may be another one than is known. */
  void uncertain() {
    hasUncertainOrder = true;
  }

  /** Whether what was read depends on a number that was read as a position. */
  boolean areUsed() {
    return used;
  }

  /** {@code ORDER BY 2}: a number by itself is a column of the result. */
  void check(Range range, List<ResultColumn> result) throws ColumnUsageException {
    if (lineage || result.stream().noneMatch(ResultColumn::isProtected)) {
      return;
    }
    for (Range item : in.split(range.start(), range.end())) {
      if (item.start() >= item.end() || in.tokens.get(item.start()).kind() != Kind.NUMBER) {
        continue;
      }
      used = true;
      int index = index(in.tokens.get(item.start()).text());
      // Behind USING or a star the order is not surely the one that is known here.
      if (index < 1
          || index > result.size()
          || result.get(index - 1).isProtected()
          || hasUncertainOrder) {
        throw ColumnRefusals.ordinal();
      }
    }
  }

  private static int index(String number) {
    try {
      return Integer.parseInt(number);
    } catch (NumberFormatException e) {
      return -1;
    }
  }
}
