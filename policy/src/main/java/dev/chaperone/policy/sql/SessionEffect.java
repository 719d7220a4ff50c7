package dev.chaperone.policy.sql;

import java.util.List;

/** What a statement changes in the client's session, for the gateway to follow. */
public sealed interface SessionEffect {

  /** {@code PREPARE name AS body}. */
  record Prepares(String name, SqlStatement body) implements SessionEffect {}

  /** {@code DEALLOCATE name}. */
  record Deallocates(String name) implements SessionEffect {}

  /** {@code DEALLOCATE ALL}, {@code DISCARD ALL}. */
  record DeallocatesAll() implements SessionEffect {}

  /** {@code DECLARE name CURSOR FOR body}. */
  record DeclaresCursor(String name, boolean withHold, SqlStatement body)
      implements SessionEffect {}

  /** {@code CLOSE name}. */
  record ClosesCursor(String name) implements SessionEffect {}

  /** {@code CLOSE ALL}, {@code DISCARD ALL}. */
  record ClosesAllCursors() implements SessionEffect {}

  /**
   * The search path may be another one afterwards.
   *
   * @param candidate the path it sets, where that is known from the text
   */
  record ChangesSearchPath(java.util.Optional<List<String>> candidate) implements SessionEffect {}

  /** The role may be another one afterwards. */
  record ChangesRole() implements SessionEffect {}

  /** A relation of that name may exist in {@code pg_temp} afterwards. */
  record CreatesTemporary(String relation) implements SessionEffect {}

  /** The catalog is another one afterwards: DDL. */
  record ChangesCatalog() implements SessionEffect {}

  /** Takes rows from the client: {@code COPY ... FROM STDIN}. */
  record CopiesIn() implements SessionEffect {}
}
