package dev.chaperone.policy.sql;

import java.util.List;

/**
 * The prepared statements and cursors of one client, by name. SQL ({@code PREPARE}, {@code
 * DECLARE}) and the protocol (Parse, Bind) share one name space on the server, so they share one
 * here.
 *
 * <p>While a message is in flight the server may hold either of several statements under a name;
 * every candidate is returned and every candidate must be allowed.
 */
public interface NamedStatements {

  /** No names. */
  NamedStatements NONE =
      new NamedStatements() {
        @Override
        public List<SqlStatement> prepared(String name) {
          return List.of();
        }

        @Override
        public List<SqlStatement> cursor(String name) {
          return List.of();
        }
      };

  /** What {@code EXECUTE name} may run; empty where the gateway has not seen it prepared. */
  List<SqlStatement> prepared(String name);

  /** What {@code FETCH name} may run; empty where the gateway has not seen it declared. */
  List<SqlStatement> cursor(String name);
}
