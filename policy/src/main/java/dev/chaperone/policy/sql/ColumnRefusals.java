package dev.chaperone.policy.sql;

/** What is said of statements that use masked columns as they must not. */
final class ColumnRefusals {
  private static final String AS_IT_IS =
      "Name the column by itself in the list of what is returned: no expression, condition,"
          + " sorting, grouping or join with it.";

  private ColumnRefusals() {}

  /** The statement is not followed. */
  static ColumnUsageException unclear() {
    return new ColumnUsageException(
        "the statement names tables that have masked columns and is written in a way that the"
            + " gateway does not follow",
        "Write it as plain SELECT, INSERT, UPDATE or DELETE. " + AS_IT_IS);
  }

  /** A protected column is used. */
  static ColumnUsageException used(String name, String use) {
    return new ColumnUsageException("the masked column " + name + " may not " + use, AS_IT_IS);
  }

  /** A protected column is used in an expression, and a few expressions over it are allowed. */
  static ColumnUsageException usedInExpression(String name, Taint taint) {
    return new ColumnUsageException(
        "the masked column " + name + " may not be used in this expression",
        switch (taint) {
          case NONE -> AS_IT_IS;
          case COUNTED ->
              "In the list of a plain SELECT it may be returned by itself and be counted:"
                  + " pg_catalog.count("
                  + name
                  + ").";
          case STRING ->
              "In the list of a plain SELECT it may be returned by itself, and in left, right,"
                  + " substr, trim, coalesce, concat and concat_ws with constants; with their schema"
                  + " in pg_catalog.lower, upper, btrim, ltrim, rtrim, length, char_length,"
                  + " octet_length and count.";
          case TEXT ->
              "In the list of a plain SELECT it may be returned by itself, and in lower, upper,"
                  + " btrim, ltrim, rtrim, length, char_length, octet_length, left, right, substr,"
                  + " trim, coalesce, concat, concat_ws and || with constants, and in"
                  + " pg_catalog.count.";
        });
  }

  /** A protected column of a query's result is used; its name may be null. */
  static ColumnUsageException usedResult(String name, String use) {
    return new ColumnUsageException(
        "the masked column " + (name == null ? "of the query" : name) + " may not " + use,
        "Leave the masked columns out of the query.");
  }

  /** An expression over a masked column stands in a query of which not all is certain. */
  static ColumnUsageException derivedBeside(String what) {
    return new ColumnUsageException(
        "an expression over a masked column may not be returned beside " + what,
        "Write a plain SELECT that names each column it returns, or name the masked column by"
            + " itself.");
  }

  /** A masked column that may be compared is compared in a way that is not known to be safe. */
  static ColumnUsageException comparedOtherwise(String name) {
    return new ColumnUsageException(
        "the masked column " + name + " may not be used in this way",
        "It may be compared by itself, with =, <>, <, <=, >, >=, IS [NOT] NULL, IS [NOT] DISTINCT"
            + " FROM, [NOT] IN and [NOT] BETWEEN, with constants, parameters and columns, joined"
            + " by AND, OR and NOT alone; and be an item of ORDER BY and GROUP BY.");
  }

  /** Others' operators or casts may take part in a comparison. */
  static ColumnUsageException comparedByOthers(String name) {
    return new ColumnUsageException(
        "the masked column "
            + name
            + " may not be compared: this database has comparison operators or implicit casts of"
            + " its own",
        AS_IT_IS);
  }

  /** Masked columns are compared in a statement that may do more than read. */
  static ColumnUsageException comparedBeside(String where) {
    return new ColumnUsageException(
        "masked columns may only be compared " + where,
        "Send a SELECT alone, or leave the masked columns out of its conditions.");
  }

  static ColumnUsageException unknown(String name) {
    return new ColumnUsageException(
        "it is not known what " + name + " means, beside tables that have masked columns",
        "If it is a new column, try again in a moment; else write the name with its table's.");
  }

  static ColumnUsageException merge() {
    return new ColumnUsageException(
        "MERGE with tables that have masked columns is not available",
        "Use INSERT ... ON CONFLICT, UPDATE or DELETE.");
  }

  static ColumnUsageException recursive() {
    return new ColumnUsageException(
        "a recursive query over tables that have masked columns is not available",
        "Write it without RECURSIVE, or leave those tables out of it.");
  }

  static ColumnUsageException ordinal() {
    return new ColumnUsageException(
        "a masked column may not be sorted or grouped by, and a position may be one",
        "Name the column to sort or group by.");
  }

  /** An item of a list takes the name of a protected column. */
  static ColumnUsageException renamedTo(String name) {
    return new ColumnUsageException(
        "a column is renamed to the name of a masked one, " + name, "Write AS before a new name.");
  }

  static ColumnUsageException naturalJoin() {
    return new ColumnUsageException(
        "NATURAL JOIN with tables that have masked columns may compare them",
        "Name the columns to join by, with ON or USING.");
  }

  static ColumnUsageException aliasOfJoin() {
    return new ColumnUsageException(
        "an alias of a join of tables that have masked columns is not available",
        "Give each table its own alias.");
  }

  /** A name without a schema may mean several relations. */
  static ColumnUsageException ambiguous(String name) {
    return new ColumnUsageException(
        name + " may be one of several relations, and one of them has masked columns",
        "Write the name with its schema.");
  }

  /** The policy's masking of a relation cannot be applied. */
  static ColumnUsageException denied(String reason) {
    return new ColumnUsageException(
        reason, "Those who manage the policy must correct its masking.");
  }
}
