package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.Scope.Meaning;
import dev.chaperone.policy.sql.Token.Kind;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** One parenthesis level of a query: the clause it is in, and the query names in scope there. */
final class QueryLevel {

  /** The clause that a parenthesis level is in. */
  enum Clause {
    /** An expression, an argument list; FROM in it belongs to a function such as EXTRACT. */
    EXPRESSION,
    /** The list of WITH. */
    WITH,
    /** Between SELECT and FROM. */
    SELECT,
    /** A list of FROM items. */
    FROM,
    /** Between the target of UPDATE, DELETE or MERGE and its next clause. */
    TARGET,
    /** UPDATE ... SET. */
    SET,
    /** Behind FROM, in a query. */
    REST
  }

  final QueryLevel outer;
  final int start;
  Clause clause = Clause.EXPRESSION;

  /** A FROM item may start here. */
  boolean item;

  /** A FROM item has ended here: an alias may follow. */
  boolean alias;

  /** A function that is a FROM item was named: its parenthesis follows. */
  boolean itemCall;

  /** This parenthesis ends a FROM item. */
  boolean endsItem;

  /** A query name may follow in WITH. */
  boolean queryName;

  boolean recursive;

  /** The query name being defined, visible from the end of its body on. */
  String defining;

  /** Names defined by WITH; null for none. */
  Set<String> queryNames;

  /** Those of before the WITH between INSERT's target and its query. */
  Set<String> insertQueryNames;

  boolean insertWith;

  /** The query name that this level is the body of. */
  String bodyOf;

  /** DML at this level: insert, update, delete or merge. */
  String dml;

  List<Meaning> targets = List.of();
  boolean where;
  boolean using;
  boolean isQuery;

  /** The word before the parenthesis. */
  String function = "";

  /** Names in here define columns; their parentheses are type modifiers. */
  boolean definitions;

  QueryLevel(QueryLevel outer, int start) {
    this.outer = outer;
    this.start = start;
  }

  /**
   * The level that a parenthesis or bracket here opens.
   *
   * @param before the token before it, or null
   * @param start the token behind it
   */
  QueryLevel open(Token before, int start, boolean mayHoldStatement) {
    QueryLevel inner = new QueryLevel(this, start);
    if (mayHoldStatement) {
      if (clause == Clause.FROM && item) {
        inner.clause = Clause.FROM;
        inner.item = true;
        inner.endsItem = true;
      }
      inner.endsItem |= itemCall;
      if (clause == Clause.WITH
          && defining != null
          && before != null
          && (before.isWord("as") || before.isWord("materialized"))) {
        inner.bodyOf = defining;
        if (recursive) {
          define(defining);
        }
      }
      if (before != null && before.kind() == Kind.WORD) {
        inner.function = before.text();
        inner.definitions = clause == Clause.FROM && before.isWord("as");
      }
    }
    item = false;
    itemCall = false;
    return inner;
  }

  /** The level around this one, which ends here; the outermost one stays. */
  QueryLevel close() {
    if (outer == null) {
      return this;
    }
    outer.item = false;
    outer.alias = endsItem;
    if (bodyOf != null && bodyOf.equals(outer.defining)) {
      outer.define(bodyOf);
      outer.defining = null;
    }
    return outer;
  }

  /** Whether a statement may start at this token: first in a parenthesis, or behind WITH's list. */
  boolean mayStartStatement(int position) {
    return position == start || clause == Clause.WITH;
  }

  boolean isInsertTarget() {
    return clause == Clause.TARGET && "insert".equals(dml);
  }

  private void define(String name) {
    if (queryNames == null) {
      queryNames = new LinkedHashSet<>();
    }
    queryNames.add(name);
  }

  /** Whether a query name is in scope here. */
  boolean isQueryName(String name) {
    for (QueryLevel l = this; l != null; l = l.outer) {
      if (l.queryNames != null && l.queryNames.contains(name)) {
        return true;
      }
    }
    return false;
  }

  /** Starts a list of WITH. The names of one behind INSERT's target are in scope in its query. */
  void startWith() {
    if (isInsertTarget() && !insertWith) {
      insertWith = true;
      insertQueryNames = queryNames == null ? null : new LinkedHashSet<>(queryNames);
    }
    clause = Clause.WITH;
    item = false;
    queryName = true;
    isQuery = true;
  }

  /** Behind the query of an INSERT, the names of the query's own WITH mean nothing any more. */
  void endInsertQuery() {
    if (insertWith) {
      insertWith = false;
      queryNames = insertQueryNames;
    }
  }
}
