package dev.chaperone.policy.sql;

import java.util.Set;

/**
 * PostgreSQL's key words, as far as reading a statement needs them (src/include/parser/kwlist.h).
 */
final class Keywords {

  /** RESERVED_KEYWORD: never the name of a function or a relation. */
  private static final Set<String> RESERVED =
      words(
          """
          all analyse analyze and any array as asc asymmetric both case cast check collate column
          constraint create current_catalog current_date current_role current_time
          current_timestamp current_user default deferrable desc distinct do else end except false
          fetch for foreign from grant group having in initially intersect into lateral leading
          limit localtime localtimestamp not null offset on only or order placing primary
          references returning select session_user some symmetric table then to trailing true
          union unique user using variadic when where window with
          """);

  /**
   * Words that the grammar itself puts before a parenthesis. They count as syntax only where the
   * catalog knows no function of that name.
   */
  private static final Set<String> SYNTAX =
      words(
          """
          between bigint bit boolean char character coalesce dec decimal exists extract float
          greatest grouping inout int integer interval json json_array json_arrayagg json_exists
          json_object json_objectagg json_query json_scalar json_serialize json_table json_value
          least merge_action national nchar none normalize nullif numeric out overlay position
          precision real row setof smallint substring system_user time timestamp treat trim values
          varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse
          xmlpi xmlroot xmlserialize xmltable
          authorization binary collation cross full ilike inner is isnull join like natural notnull
          outer overlaps similar tablesample verbose
          by columns conflict content cube cycle document escape execute explain filter first
          groups include insert key last materialized next no of operator ordinality over partition
          passing path range recursive repeatable rollup rows search second set sets
          uescape update value varying within without zone
          """);

  /** Words after which a parenthesis is not an argument list. */
  private static final Set<String> SPACED =
      words("values over filter sets materialized by set conflict escape passing insert zone");

  /** Reserved words that are values by themselves; they may stand in FROM. */
  private static final Set<String> VALUE_FUNCTIONS =
      words(
          """
          current_catalog current_date current_role current_time current_timestamp current_user
          localtime localtimestamp session_user system_user user
          """);

  /** Words that stand in expressions beside values and are no names there. */
  private static final Set<String> IN_EXPRESSIONS =
      words(
          """
          at year month day hour minute second local
          preceding following unbounded current exclude ties others nulls respect ignore
          document normalized nfc nfd nfkc nfkd content strip whitespace
          absent keys unique scalar wrapper conditional unconditional omit quotes error
          excluded double
          """);

  private Keywords() {}

  static boolean isInExpressions(String word) {
    return IN_EXPRESSIONS.contains(word);
  }

  static boolean isReserved(String word) {
    return RESERVED.contains(word);
  }

  static boolean isSyntax(String word) {
    return SYNTAX.contains(word);
  }

  static boolean isValueFunction(String word, int serverVersion) {
    return VALUE_FUNCTIONS.contains(word)
        && (serverVersion >= 160000 || !word.equals("system_user"));
  }

  /**
   * Whether a word that starts or separates clauses may all the same be the alias of a FROM item.
   */
  static boolean mayBeAlias(String word) {
    return switch (word) {
      case "values",
          "insert",
          "merge",
          "delete",
          "update",
          "set",
          "operator",
          "between",
          "nullif",
          "rows" ->
          true;
      default -> false;
    };
  }

  /** Whether a word follows a FROM item without being its alias. */
  static boolean followsFromItem(String word) {
    return switch (word) {
      case "left", "right", "full", "inner", "cross", "natural", "tablesample", "ordinality" ->
          true;
      default -> false;
    };
  }

  /** Whether a parenthesis behind this word holds a value, AS and a type. */
  static boolean isCast(String word) {
    return word.equals("cast")
        || word.equals("treat")
        || word.equals("xmlserialize")
        || word.equals("try_cast");
  }

  /** Whether canonical text puts a space between this word and a parenthesis. */
  static boolean mayPrecedeParenthesis(String word) {
    return RESERVED.contains(word) || SPACED.contains(word);
  }

  private static Set<String> words(String list) {
    return Set.of(list.strip().split("\\s+"));
  }
}
