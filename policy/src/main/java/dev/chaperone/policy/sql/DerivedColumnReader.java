package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.ClauseCursor.Range;
import dev.chaperone.policy.sql.QueryFrame.Reference;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Reads expressions over one protected column, in the SELECT list of the statement itself: what
 * they make is replaced as a whole, so that they need not be understood, only be known to tell
 * nothing by failing. This reads the grammar of few expressions, wholly: functions and an operator
 * of the server that cannot raise an error for a value that the column may hold (PostgreSQL
 * documentation, "String Functions and Operators"). Everything else is not read here and is refused
 * as any other use of the column.
 *
 * <p>An expression names one column, once, and else only constants: a longer result could reach the
 * size at which the server gives up, and so tell a length. md5 is missing since it fails where the
 * server runs with FIPS (src/common/cryptohash_openssl.c), min and max since an index may answer
 * them and the time it takes is the value's rank, string_agg for its size.
 */
final class DerivedColumnReader {
  /** Calls in calls that are followed. */
  private static final int MAX_DEPTH = 16;

  /** So that the end of a substring is no overflow: varlena.c, text_substring. */
  private static final int MAX_DIGITS = 9;

  /** Words of queries in which it is not certain that each item is one column of the result. */
  private static final Set<String> UNCERTAIN =
      Set.of(
          "union",
          "intersect",
          "except",
          "lateral",
          "natural",
          "using",
          "distinct",
          "into",
          "insert",
          "update",
          "delete",
          "merge",
          "values",
          "table",
          "over",
          "window",
          "filter",
          "within",
          "recursive");

  private static final Set<String> STRING_TYPES = Set.of("text", "varchar", "bpchar");

  /** What an operand is. */
  private enum Type {
    /** A string constant, whose type its surroundings say. */
    CONSTANT,
    /** varchar or char, which the server turns to text. */
    STRING,
    TEXT,
    NUMBER,
    /** A column that may only be counted. */
    OTHER,
    /** Nothing that is known here. */
    UNREAD;

    boolean isText() {
      return this == TEXT || this == STRING;
    }
  }

  private final ClauseCursor in;
  private final Scope scope;
  private final boolean lineage;
  private boolean[] outermost;
  private boolean tried;
  private boolean found;
  private boolean hasStar;
  private ResultColumn column;
  private String name;
  private int end;

  /**
   * @param lineage whether columns are followed, as in a view's definition: then nothing is read
   */
  DerivedColumnReader(ClauseCursor in, Scope scope, boolean lineage) {
    this.in = in;
    this.scope = scope;
    this.lineage = lineage;
  }

  /** A star stands in a list of the statement. */
  void star() {
    hasStar = true;
  }

  /** Whether an expression was looked at: what became of it depends on its constants. */
  boolean wasTried() {
    return tried;
  }

  /**
   * Reads an expression.
   *
   * @param alias the name it is given, or null
   * @return the column of the result; null where it is none of those that are known here
   */
  ResultColumn read(Range range, String alias, QueryFrame frame) {
    if (lineage
        || !scope.protectedColumns().hasTainting()
        || !isOutermost(range.start())
        || !taints(frame)) {
      return null;
    }
    tried = true;
    int before = in.position;
    in.position = range.start();
    end = range.end();
    column = null;
    name = null;
    Type type = expression(frame, 0);
    boolean whole = in.position == end;
    in.position = before;
    if (!whole || column == null || name == null || type == Type.UNREAD) {
      return null;
    }
    found = true;
    return new ResultColumn(
        alias == null ? name : alias,
        column.mask(),
        Lineage.computed("expression", List.of(column.lineage())),
        Taint.NONE,
        Comparability.NONE,
        true);
  }

  /**
   * What each column of the statement's result is.
   *
   * @return nothing where no expression was found
   */
  List<Masking.Output> outputs(List<ResultColumn> result) throws ColumnUsageException {
    if (!found) {
      return List.of();
    }
    if (!in.isWord(0, "select") && !in.isWord(0, "with")) {
      throw ColumnRefusals.derivedBeside("anything around the SELECT");
    }
    if (hasStar) {
      throw ColumnRefusals.derivedBeside("a star");
    }
    for (Token token : in.tokens) {
      if (token.kind() == Kind.WORD && UNCERTAIN.contains(token.text())) {
        throw ColumnRefusals.derivedBeside(token.text().toUpperCase(Locale.ROOT));
      }
    }
    return result.stream()
        .map(
            each ->
                each.derived()
                    ? Masking.Output.DERIVED
                    : each.isProtected() ? Masking.Output.PROTECTED : Masking.Output.FREE)
        .toList();
  }

  /** Whether a token stands in no parenthesis: it is of the statement's own query. */
  private boolean isOutermost(int index) {
    if (outermost == null) {
      outermost = new boolean[in.size];
      int depth = 0;
      for (int i = 0; i < in.size; i++) {
        outermost[i] = depth == 0;
        if (in.isPunctuation(i, "(") || in.isPunctuation(i, "[")) {
          depth++;
        } else if (in.isPunctuation(i, ")") || in.isPunctuation(i, "]")) {
          depth--;
        }
      }
    }
    return outermost[index];
  }

  private static boolean taints(QueryFrame frame) {
    return frame.sources().stream()
        .anyMatch(
            source ->
                source.columns() != null
                    && source.columns().stream().anyMatch(each -> each.taint() != Taint.NONE));
  }

  // ---- the grammar

  /** {@code a || b || c}, or an operand. */
  private Type expression(QueryFrame frame, int depth) {
    Type left = operand(frame, depth);
    while (left != Type.UNREAD && in.position < end && isConcatenation(in.position)) {
      in.position++;
      Type right = operand(frame, depth);
      // One is text and needs no cast, so that the operator is the one of text alone.
      boolean both =
          (left == Type.TEXT && (right == Type.TEXT || right == Type.CONSTANT))
              || (left == Type.CONSTANT && right == Type.TEXT);
      left = both && scope.catalog().operators("||").isEmpty() ? Type.TEXT : Type.UNREAD;
      name = "?column?";
    }
    return left;
  }

  private boolean isConcatenation(int index) {
    return in.tokens.get(index).isOperator("||");
  }

  private Type operand(QueryFrame frame, int depth) {
    if (in.position >= end || depth > MAX_DEPTH) {
      return Type.UNREAD;
    }
    if (in.tokens.get(in.position).kind() == Kind.STRING) {
      in.position++;
      return Type.CONSTANT;
    }
    if (!in.tokens.get(in.position).isName()) {
      return Type.UNREAD;
    }
    int start = in.position;
    List<String> chain = in.chain();
    if (in.isPunctuation(in.position, "(")) {
      return call(start, chain, frame, depth);
    }
    return in.isNameHere(start) ? column(chain, frame) : Type.UNREAD;
  }

  private Type column(List<String> chain, QueryFrame frame) {
    Reference reference = frame.resolve(chain);
    if (reference.meaning() != QueryFrame.Meaning.PROTECTED || column != null) {
      return Type.UNREAD;
    }
    column = reference.column();
    return switch (column.taint()) {
      case TEXT -> Type.TEXT;
      case STRING -> Type.STRING;
      case COUNTED -> Type.OTHER;
      case NONE -> Type.UNREAD;
    };
  }

  /** A call; the cursor stands at its parenthesis. */
  private Type call(int start, List<String> chain, QueryFrame frame, int depth) {
    String function = chain.get(chain.size() - 1);
    if (in.tokens.get(in.position - 1).kind() != Kind.WORD || !isOfServer(start, chain, function)) {
      return Type.UNREAD;
    }
    int close = in.closing(in.position);
    in.position++;
    boolean isQualified = chain.size() > 1;
    Type type =
        switch (function) {
          case "trim" -> text(frame, depth, 0, 0);
          case "lower", "upper", "btrim", "ltrim", "rtrim" -> single(frame, depth, isQualified);
          case "left", "right" -> text(frame, depth, 1, 1);
          case "substr" -> text(frame, depth, 1, 2);
          case "length", "char_length", "octet_length" ->
              single(frame, depth, isQualified) == Type.TEXT ? Type.NUMBER : Type.UNREAD;
          case "concat" -> concat(frame, depth, close, isQualified ? 1 : 2);
          case "concat_ws" ->
              operand(frame, depth + 1) == Type.CONSTANT && in.accept(",")
                  ? concat(frame, depth, close, 1)
                  : Type.UNREAD;
          case "coalesce" -> coalesce(frame, depth);
          case "count" -> isQualified ? count(frame, depth) : Type.UNREAD;
          default -> Type.UNREAD;
        };
    if (in.position != close || close >= end) {
      return Type.UNREAD;
    }
    in.position++;
    // The outermost one names the column; parse_target.c, FigureColname. ORDER BY may use it.
    name = function.equals("trim") ? "btrim" : function;
    return type;
  }

  /**
   * Whether the name can only mean the server's own function: no other one has it in any schema.
   * TRIM and COALESCE are syntax (gram.y, func_expr_common_subexpr).
   */
  private boolean isOfServer(int start, List<String> chain, String function) {
    if (function.equals("trim") || function.equals("coalesce")) {
      return chain.size() == 1;
    }
    Catalog catalog = scope.catalog();
    boolean named =
        chain.size() == 1
            || (chain.size() == 2
                && chain.get(0).equals("pg_catalog")
                && in.tokens.get(start).isName());
    return named
        && !catalog.isOpen()
        && catalog.builtinFunction(function) != null
        && catalog.userFunctions(function).isEmpty()
        && catalog.casts().stream()
            .noneMatch(cast -> cast.implicit() && STRING_TYPES.contains(cast.source()));
  }

  /**
   * One argument. Where no function takes just its type, {@code f(x)} may be a cast to a type that
   * users have named f (parse_func.c, func_get_detail); so it must be text, or the name qualified.
   */
  private Type single(QueryFrame frame, int depth, boolean isQualified) {
    Type type = expression(frame, depth + 1);
    return type == Type.TEXT || (type == Type.STRING && isQualified) ? Type.TEXT : Type.UNREAD;
  }

  /** A text, and so many numbers behind it. */
  private Type text(QueryFrame frame, int depth, int fewest, int most) {
    if (!expression(frame, depth + 1).isText()) {
      return Type.UNREAD;
    }
    int numbers = 0;
    while (in.accept(",")) {
      if (!isSmallNumber(in.position)) {
        return Type.UNREAD;
      }
      in.position++;
      numbers++;
    }
    return numbers >= fewest && numbers <= most ? Type.TEXT : Type.UNREAD;
  }

  /** Zero or more, in decimal digits alone. */
  private boolean isSmallNumber(int index) {
    return index < end
        && in.tokens.get(index).kind() == Kind.NUMBER
        && in.tokens.get(index).text().length() <= MAX_DIGITS
        && in.tokens.get(index).text().chars().allMatch(c -> c >= '0' && c <= '9');
  }

  private Type concat(QueryFrame frame, int depth, int close, int fewest) {
    int arguments = 0;
    do {
      arguments++;
      Type type = expression(frame, depth + 1);
      if (!type.isText() && type != Type.CONSTANT) {
        return Type.UNREAD;
      }
    } while (in.position < close && in.accept(","));
    return arguments >= fewest ? Type.TEXT : Type.UNREAD;
  }

  /** A text and constants behind it, which are of its type. */
  private Type coalesce(QueryFrame frame, int depth) {
    Type type = expression(frame, depth + 1);
    if (!type.isText()) {
      return Type.UNREAD;
    }
    while (in.accept(",")) {
      if (operand(frame, depth + 1) != Type.CONSTANT) {
        return Type.UNREAD;
      }
    }
    return type;
  }

  /** A column by itself, of any type. */
  private Type count(QueryFrame frame, int depth) {
    int start = in.position;
    if (!in.isNameHere(start)) {
      return Type.UNREAD;
    }
    Type type = operand(frame, depth + 1);
    boolean bare = !in.isPunctuation(in.position - 1, ")");
    return bare && (type.isText() || type == Type.OTHER) ? Type.NUMBER : Type.UNREAD;
  }
}
