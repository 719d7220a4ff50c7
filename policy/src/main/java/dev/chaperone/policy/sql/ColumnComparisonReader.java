package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.MaskPredicates;
import dev.chaperone.policy.sql.ClauseCursor.Range;
import dev.chaperone.policy.sql.QueryFrame.Reference;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Says whether a protected column that may be compared ({@link MaskPredicates#ALLOW}) is used in no
 * other way: in a condition by itself on one side of a comparison, in ORDER BY and GROUP BY as a
 * whole item. What a comparison makes is true, false or NULL, and goes nowhere but into AND, OR and
 * NOT: it is in no CASE, no call and no other operator, which could fail or do something for it.
 *
 * <p>Only operators of the server's own compare (PostgreSQL documentation, "Comparison Functions
 * and Operators"): where users have one of that name in any schema, or implicit casts, nothing is
 * compared.
 */
final class ColumnComparisonReader {
  private static final Set<String> OPERATORS = Set.of("=", "<>", "<", "<=", ">", ">=");

  /** Words of statements that may do more than read. */
  private static final Set<String> WRITES =
      Set.of("insert", "update", "delete", "merge", "into", "for", "share");

  private final ClauseCursor in;
  private final Scope scope;
  private final boolean lineage;
  private final Set<Lineage> compared = new LinkedHashSet<>();
  private final List<Range> operands = new ArrayList<>();
  private boolean found;

  /**
   * @param lineage whether columns are followed, as in a view's definition: then nothing is read
   */
  ColumnComparisonReader(ClauseCursor in, Scope scope, boolean lineage) {
    this.in = in;
    this.scope = scope;
    this.lineage = lineage;
  }

  /** Where the columns that are compared come from, as far as anybody wants to know. */
  Set<Lineage> compared() {
    return compared;
  }

  /** The constants and parameters they are compared with. */
  List<Range> operands() {
    return operands;
  }

  /**
   * Whether columns are compared.
   *
   * @throws ColumnUsageException where they are, and the statement may do more than read
   */
  boolean areAny() throws ColumnUsageException {
    for (Token token : found ? in.tokens : List.<Token>of()) {
      if (token.kind() == Kind.WORD && WRITES.contains(token.text())) {
        throw ColumnRefusals.comparedBeside(
            "where nothing is written or locked: not beside "
                + token.text().toUpperCase(Locale.ROOT));
      }
    }
    return found;
  }

  /**
   * Whether a use of a protected column is a comparison.
   *
   * @param clause where the expression stands
   * @param start where the column's name starts
   * @param after what follows its name
   * @throws ColumnUsageException where it might be one and is none that is known here
   */
  boolean compares(
      Reference reference, Clause clause, int start, int after, Range range, QueryFrame frame)
      throws ColumnUsageException {
    ResultColumn column = reference.column();
    if (lineage
        || clause == Clause.OTHER
        || column == null
        || column.derived()
        || column.comparability() == Comparability.NONE) {
      return false;
    }
    if (!callsOnlyTheServers()) {
      throw ColumnRefusals.comparedByOthers(column.name());
    }
    boolean allowed =
        switch (clause) {
          case CONDITION -> isCondition(column.comparability(), start, after, range, frame);
          case SORTING -> isItem(start, after, range, true);
          case GROUPING -> isItem(start, after, range, false);
          case OTHER -> false;
        };
    if (!allowed) {
      throw ColumnRefusals.comparedOtherwise(String.valueOf(column.name()));
    }
    found = true;
    compared.add(column.lineage());
    return true;
  }

  private boolean callsOnlyTheServers() {
    Catalog catalog = scope.catalog();
    return !catalog.isOpen()
        && OPERATORS.stream().allMatch(operator -> catalog.operators(operator).isEmpty())
        && catalog.casts().stream().noneMatch(Catalog.UserCast::implicit);
  }

  // ---- items of lists

  /** Whether the name is an item of the list; in ORDER BY with its direction. */
  private boolean isItem(int start, int after, Range range, boolean isSorting)
      throws ColumnUsageException {
    for (Range item : in.split(range.start(), range.end())) {
      if (item.start() == start) {
        int end = after;
        if (isSorting && (isKeyWord(end, "asc") || isKeyWord(end, "desc"))) {
          end++;
        }
        if (isSorting
            && isKeyWord(end, "nulls")
            && (isKeyWord(end + 1, "first") || isKeyWord(end + 1, "last"))) {
          end += 2;
        }
        return end == item.end();
      }
    }
    return false;
  }

  // ---- conditions

  private boolean isCondition(
      Comparability comparability, int start, int after, Range range, QueryFrame frame) {
    for (int i = range.start(); i < range.end(); i++) {
      if (isKeyWord(i, "case")) {
        // It takes conditions apart without parentheses.
        return false;
      }
    }
    int first = start;
    int end = behind(comparability, after, range, frame);
    if (end < 0 && start - 2 >= range.start() && isOperator(start - 1)) {
      first = before(comparability, start - 1, range);
      end = first < 0 ? -1 : after;
    }
    return end >= 0
        && beginsOperand(first, range)
        && endsOperand(end, range)
        && areGroups(first, range);
  }

  /** Where the comparison ends that the column begins; -1 where there is none. */
  private int behind(Comparability comparability, int after, Range range, QueryFrame frame) {
    if (after < range.end() && isOperator(after)) {
      return operand(comparability, after + 1, range, frame);
    }
    if (isKeyWord(after, "is")) {
      int at = isKeyWord(after + 1, "not") ? after + 2 : after + 1;
      if (isKeyWord(at, "null")) {
        return at + 1;
      }
      return isKeyWord(at, "distinct") && isKeyWord(at + 1, "from")
          ? operand(comparability, at + 2, range, frame)
          : -1;
    }
    int at = isKeyWord(after, "not") ? after + 1 : after;
    if (isKeyWord(at, "between")) {
      int and = constant(comparability, at + 1, range);
      return and > 0 && isKeyWord(and, "and") ? constant(comparability, and + 1, range) : -1;
    }
    if (!isKeyWord(at, "in") || !in.isPunctuation(at + 1, "(")) {
      return -1;
    }
    int next = constant(comparability, at + 2, range);
    while (next > 0 && in.isPunctuation(next, ",")) {
      next = constant(comparability, next + 1, range);
    }
    return next > 0 && in.isPunctuation(next, ")") ? next + 1 : -1;
  }

  /** Where the comparison begins whose operator stands there and that the column ends. */
  private int before(Comparability comparability, int operator, Range range) {
    int last = operator - 1;
    if (constant(comparability, last, range) == operator) {
      return last;
    }
    if (comparability != Comparability.ANY || !in.tokens.get(last).isName()) {
      return -1;
    }
    int first = last;
    while (first - 2 >= range.start()
        && in.isPunctuation(first - 1, ".")
        && in.tokens.get(first - 2).isName()) {
      first -= 2;
    }
    return in.isNameHere(first) ? first : -1;
  }

  /** Where a constant or a column ends; -1 where there is neither. */
  private int operand(Comparability comparability, int at, Range range, QueryFrame frame) {
    int end = constant(comparability, at, range);
    if (end >= 0 || comparability != Comparability.ANY || !in.isNameHere(at) || at >= range.end()) {
      return end;
    }
    int position = in.position;
    in.position = at;
    List<String> chain = in.chain();
    end = in.position;
    in.position = position;
    Reference other = frame.resolve(chain);
    boolean isColumn =
        other.column() != null
            && (other.meaning() == QueryFrame.Meaning.PLAIN
                || other.meaning() == QueryFrame.Meaning.PROTECTED);
    return isColumn ? end : -1;
  }

  /** Where a constant or a parameter ends; -1 where there is none. */
  private int constant(Comparability comparability, int at, Range range) {
    int value = at;
    if (value + 1 < range.end()
        && in.tokens.get(value).isOperator("-")
        && in.tokens.get(value + 1).kind() == Kind.NUMBER) {
      value++;
    }
    if (value >= range.end()) {
      return -1;
    }
    Token token = in.tokens.get(value);
    boolean isConstant =
        token.kind() == Kind.STRING
            || token.kind() == Kind.NUMBER
            || (token.kind() == Kind.PARAMETER && comparability == Comparability.ANY)
            || isKeyWord(value, "true")
            || isKeyWord(value, "false");
    if (!isConstant) {
      return -1;
    }
    operands.add(new Range(at, value + 1));
    return value + 1;
  }

  private boolean isOperator(int index) {
    return in.tokens.get(index).kind() == Kind.OPERATOR
        && OPERATORS.contains(in.tokens.get(index).text());
  }

  /** Whether nothing that binds more tightly than AND stands before an operand. */
  private boolean beginsOperand(int index, Range range) {
    int before = index - 1;
    return before < range.start()
        || in.isPunctuation(before, "(")
        || isKeyWord(before, "or")
        || (isKeyWord(before, "and") && !isOfBetween(before, range))
        || (isKeyWord(before, "not") && beginsOperand(before, range));
  }

  /** Whether nothing that binds more tightly than AND stands behind an operand. */
  private boolean endsOperand(int end, Range range) {
    return end >= range.end()
        || in.isPunctuation(end, ")")
        || isKeyWord(end, "and")
        || isKeyWord(end, "or");
  }

  /** Whether every parenthesis around a token only groups conditions. */
  private boolean areGroups(int index, Range range) {
    for (int open : open(index, range)) {
      if (!in.isPunctuation(open, "(")
          || !beginsOperand(open, range)
          || !endsOperand(in.closing(open) + 1, range)) {
        return false;
      }
    }
    return true;
  }

  /** The parentheses and brackets that are open at a token. */
  private Deque<Integer> open(int index, Range range) {
    Deque<Integer> open = new ArrayDeque<>();
    for (int i = range.start(); i < index; i++) {
      if (in.isPunctuation(i, "(") || in.isPunctuation(i, "[")) {
        open.push(i);
      } else if ((in.isPunctuation(i, ")") || in.isPunctuation(i, "]")) && !open.isEmpty()) {
        open.pop();
      }
    }
    return open;
  }

  /** {@code BETWEEN a AND b}, which binds more tightly than a comparison. */
  private boolean isOfBetween(int and, Range range) {
    Deque<Integer> open = open(and, range);
    int i = open.isEmpty() ? range.start() : open.peek() + 1;
    int pending = 0;
    while (i < and) {
      if (in.isPunctuation(i, "(") || in.isPunctuation(i, "[")) {
        i = in.closing(i);
      } else if (isKeyWord(i, "between")) {
        pending++;
      } else if (isKeyWord(i, "and") && pending > 0) {
        pending--;
      }
      i++;
    }
    return pending > 0;
  }

  private boolean isKeyWord(int index, String word) {
    return in.isWord(index, word) && !in.isLabel(index);
  }
}
