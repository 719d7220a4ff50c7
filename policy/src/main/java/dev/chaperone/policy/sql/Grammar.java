package dev.chaperone.policy.sql;

import java.util.List;

/** A second opinion on a query, by a grammar. */
interface Grammar {

  /** No second opinion. */
  Grammar NONE = (query, scope, reading) -> {};

  /**
   * Adds what the grammar sees. Where it sees something else than was read, or nothing, and the
   * query writes, the query becomes UNKNOWN.
   *
   * @param query the tokens of a query or DML statement
   * @param reading what was read of it from its tokens
   */
  void check(List<Token> query, Scope scope, Reading reading);
}
