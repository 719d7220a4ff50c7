package dev.chaperone.policy.sql;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Writes queries and data changes that look for trouble: names that are key words, query names that
 * hide relations, subqueries wherever the grammar has an expression. Many of them the server
 * rejects.
 */
final class StatementGenerator {
  /** Tables of these names, with columns a, b int and c text, are in several schemas. */
  static final List<String> TABLES = List.of("t1", "t2", "t3", "values", "set", "update");

  static final List<String> SCHEMAS = List.of("public", "s1", "s2");

  private static final List<String> ALIASES =
      List.of(
          "x",
          "y",
          "z",
          "values",
          "set",
          "operator",
          "rows",
          "update",
          "delete",
          "insert",
          "merge",
          "between",
          "nullif",
          "coalesce",
          "ordinality",
          "only_",
          "recursive",
          "temp",
          "t1",
          "t2",
          "\"from\"",
          "\"select\"",
          "conflict",
          "materialized",
          "first",
          "filter_",
          "row",
          "exists",
          "grouping",
          "key",
          "value",
          "columns",
          "path",
          "action",
          "do_",
          "x$",
          "é");

  private final Random random;
  private final Set<String> targets = new LinkedHashSet<>();
  private int budget;

  StatementGenerator(long seed) {
    random = new Random(seed);
  }

  /** A statement; {@link #targets()} then says what it writes to. */
  String next() {
    targets.clear();
    budget = 2 + random.nextInt(6);
    return one(10) < 6 ? query() : dml();
  }

  /** Names as written, of the targets of the last statement. */
  Set<String> targets() {
    return targets;
  }

  private int one(int bound) {
    return random.nextInt(bound);
  }

  private boolean maybe() {
    return random.nextBoolean();
  }

  private String any(List<String> list) {
    return list.get(one(list.size()));
  }

  private String any(String... list) {
    return list[one(list.length)];
  }

  private String optional(String text) {
    return one(3) == 0 ? text : "";
  }

  private boolean more() {
    return budget-- > 0;
  }

  private String relation() {
    String name = any(TABLES);
    String quoted = name.equals("values") && maybe() ? "\"values\"" : name;
    return one(3) == 0 ? any(SCHEMAS) + "." + quoted : quoted;
  }

  private String target() {
    String name = any("t1", "t2", "t3", "\"values\"", "s2.t1", "s1.t2", "public.t3");
    targets.add(name);
    return name;
  }

  private String alias() {
    String name = any(ALIASES);
    return switch (one(5)) {
      case 0 -> "";
      case 1 -> " AS " + name;
      case 2 -> " AS " + name + " (a, b, c)".substring(0, maybe() ? 10 : 4) + "".concat("");
      case 3 -> " " + name + "(a)";
      default -> " " + name;
    };
  }

  private static String close(String alias) {
    return alias.endsWith("(a,") || alias.endsWith("(a") ? alias + ")" : alias;
  }

  private String item() {
    if (!more()) {
      return relation();
    }
    return switch (one(16)) {
      case 0, 1, 2, 3 -> relation() + close(alias());
      case 4 -> "ONLY " + (maybe() ? "(" + relation() + ")" : relation()) + close(alias());
      case 5 -> relation() + " *" + close(alias());
      case 6 -> optional("LATERAL ") + "(" + query() + ")" + " AS " + any(ALIASES);
      case 7 -> "(" + query() + ") " + any(ALIASES) + optional("(a, b)");
      case 8 -> "generate_series(1, 2)" + optional(" WITH ORDINALITY") + close(alias());
      case 9 ->
          "ROWS FROM (generate_series(1, 2), unnest(ARRAY(" + query() + ")))" + close(alias());
      case 10 ->
          "(" + item() + " CROSS JOIN " + item() + ")" + optional(" " + any(ALIASES) + "(a)");
      case 11 ->
          any("CAST(1 AS int)", "coalesce(1, 2)", "nullif(1, 2)", "current_user", "current_date")
              + close(alias());
      case 12 -> "json_to_record('{}') AS " + any(ALIASES) + "(a int, b numeric(10, 2))";
      case 13 -> relation() + close(alias()) + " TABLESAMPLE system (10)";
      case 14 -> "(VALUES (1, 2), (3, " + value() + ")) AS " + any(ALIASES) + " (a, b)";
      default -> relation() + " " + any(ALIASES);
    };
  }

  private String from() {
    StringBuilder text = new StringBuilder(item());
    for (int i = one(3); i > 0; i--) {
      switch (one(5)) {
        case 0 -> text.append(" JOIN ").append(item()).append(" ON ").append(condition());
        case 1 -> text.append(" LEFT OUTER JOIN ").append(item()).append(" USING (a)");
        case 2 -> text.append(" CROSS JOIN ").append(item());
        case 3 -> text.append(" NATURAL JOIN ").append(item());
        default -> text.append(", ").append(item());
      }
    }
    return text.toString();
  }

  private String value() {
    if (!more()) {
      return "1";
    }
    return switch (one(17)) {
      case 0, 1 -> "(SELECT count(*) FROM " + from() + ")";
      case 2 -> "CASE WHEN " + condition() + " THEN " + value() + " ELSE 2 END";
      case 3 -> "coalesce(" + value() + ", 2)";
      case 4 -> "(ARRAY(" + query() + "))[1]";
      case 5 -> "extract(epoch FROM now())";
      case 6 -> "(1) * " + value();
      case 7 -> "cast(" + value() + " AS numeric(10))";
      case 8 -> value() + "::numeric";
      case 9 -> "(SELECT 1 FROM " + from() + " LIMIT 1)";
      case 10 -> "position('a' in 'b')";
      case 11 -> "(" + value() + " + 1)";
      case 12 -> "(1) " + any("*", "+", "-") + " abs(" + value() + ")";
      case 13 -> "count(*) FILTER (WHERE " + condition() + ")";
      case 14 -> "(SELECT x FROM (" + query() + ") AS q(x) LIMIT 1)";
      case 15 -> "greatest(" + value() + ", 3)";
      default -> "2";
    };
  }

  private String condition() {
    if (!more()) {
      return "true";
    }
    return switch (one(11)) {
      case 0 -> "EXISTS (" + query() + ")";
      case 1 -> "1 IN (" + query() + ")";
      case 2 -> value() + " IS " + optional("NOT ") + "DISTINCT FROM " + value();
      case 3 -> value() + " BETWEEN 1 AND " + value();
      case 4 -> "1 = ANY (" + query() + ")";
      case 5 -> "(" + condition() + ") AND " + condition();
      case 6 -> "(1, 2) IN (SELECT 1, 2 FROM " + from() + ")";
      case 7 -> "NOT " + condition();
      case 8 -> "'a' LIKE 'b'";
      default -> value() + " > 0";
    };
  }

  private String selected() {
    String value = value();
    return switch (one(6)) {
      case 0 -> value + " AS " + any("x", "from", "select", "as", "values", "into", "table", "is");
      case 1 -> "(" + value + ") " + any("x", "values", "set", "distinct", "only", "using", "end");
      case 2 -> value + " \"from\"";
      default -> value;
    };
  }

  private String with(boolean changes) {
    StringBuilder text = new StringBuilder("WITH ").append(optional("RECURSIVE "));
    int count = 1 + one(2);
    for (int i = 0; i < count; i++) {
      String name = any("t1", "t2", "t3", "x", "values", "set", "update", "operator", "recursive");
      text.append(i == 0 ? "" : ", ").append(name);
      text.append(optional(" (a)")).append(" AS ");
      text.append(any("", "", "MATERIALIZED ", "NOT MATERIALIZED "));
      text.append('(').append(changes && one(4) == 0 ? dml() : query()).append(')');
    }
    return text.append(' ').toString();
  }

  private String query() {
    String with = budget > 0 && one(4) == 0 ? with(false) : "";
    String body = body();
    if (one(5) == 0) {
      body += any(" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT ") + operand();
    }
    body += optional(" ORDER BY " + any("1", "(SELECT 1 FROM " + from() + " LIMIT 1)"));
    if (one(5) == 0) {
      body +=
          any(" LIMIT ", " OFFSET ") + (budget > 0 ? "(SELECT count(*) FROM " + from() + ")" : "1");
    } else if (one(8) == 0) {
      body += " FETCH FIRST (1 + 1) ROWS ONLY";
    }
    return one(8) == 0 ? "(" + with + body + ")" : with + body;
  }

  private String operand() {
    return maybe() ? body() : "(" + query() + ")";
  }

  private String body() {
    return switch (one(12)) {
      case 0 -> "TABLE " + relation();
      case 1 -> "VALUES (" + value() + "), (1)";
      case 2 -> "(" + query() + ")";
      default ->
          "SELECT "
              + optional("DISTINCT ")
              + selected()
              + " FROM "
              + from()
              + optional(" WHERE " + condition())
              + optional(" GROUP BY " + any("()", "1", "GROUPING SETS (())"))
              + optional(" HAVING " + condition())
              + (one(6) == 0 ? " WINDOW w AS (ORDER BY " + value() + ")" : "");
    };
  }

  private String dml() {
    String with = budget > 0 && one(4) == 0 ? with(true) : "";
    String returning = "";
    if (one(3) == 0) {
      returning = " RETURNING " + any("1", "*", "(SELECT count(*) FROM " + from() + ")");
    }
    return switch (one(5)) {
      case 0 -> with + insert() + returning;
      case 1 ->
          with
              + "UPDATE "
              + optional("ONLY ")
              + target()
              + any("", " AS x", " z")
              + " SET "
              + any("a = " + value(), "(a, b) = (SELECT 1, 2 FROM " + from() + " LIMIT 1)")
              + optional(", c = 'x'")
              + optional(" FROM " + from())
              + optional(" WHERE " + condition())
              + returning;
      case 2 ->
          with
              + "DELETE FROM "
              + target()
              + any("", " AS x", " values", " z")
              + optional(" USING " + from())
              + optional(" WHERE " + condition())
              + returning;
      case 3 -> with + merge();
      default -> with + insert() + returning;
    };
  }

  private String insert() {
    List<String> parts = new ArrayList<>();
    parts.add("INSERT INTO " + target() + any("", " AS x", " AS values") + any("", " (a)"));
    parts.add(optional("OVERRIDING USER VALUE"));
    parts.add(
        switch (one(5)) {
          case 0 -> "VALUES (" + value() + ")";
          case 1 -> "(" + query() + ")";
          case 2 -> with(false) + "SELECT 1 FROM " + from();
          case 3 -> "DEFAULT VALUES";
          default -> "SELECT 1 FROM " + from();
        });
    if (one(3) == 0) {
      parts.add(
          any(
              "ON CONFLICT DO NOTHING",
              "ON CONFLICT (a) DO UPDATE SET b = " + value() + optional(" WHERE " + condition())));
    }
    return String.join(" ", parts);
  }

  private String merge() {
    String source = maybe() ? relation() + " y" : "(" + query() + ") y";
    StringBuilder text = new StringBuilder("MERGE INTO " + target() + " AS m USING " + source);
    text.append(" ON ").append(condition());
    if (maybe()) {
      text.append(" WHEN MATCHED").append(optional(" AND " + condition()));
      text.append(
          any(
              " THEN DELETE",
              " THEN UPDATE SET a = " + value() + ", b = " + value(),
              " THEN DO NOTHING"));
    }
    text.append(" WHEN NOT MATCHED THEN ");
    text.append(any("DO NOTHING", "INSERT (a) VALUES (" + value() + ")", "INSERT DEFAULT VALUES"));
    return text.toString();
  }
}
