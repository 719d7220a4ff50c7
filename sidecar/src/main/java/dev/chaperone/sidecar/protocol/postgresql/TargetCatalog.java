package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.Catalog;

/**
 * A catalog, and the server that it was read from: a target's name may lead to several servers, or
 * from one day to the next to another one while the old one lives on.
 *
 * @param server what {@link #SERVER} said
 */
record TargetCatalog(Catalog catalog, String server) {

  /**
   * Tells servers apart: since when one runs, to ten microseconds. The cast keeps settings of the
   * session, such as {@code extra_float_digits} and {@code TimeZone}, out of it.
   */
  static final String SERVER =
      "SELECT pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time())"
          + "::pg_catalog.numeric::pg_catalog.text";

  /** For one transaction, no name of a user's stands for one of the server's own. */
  static final String EMPTY_SEARCH_PATH = "SELECT pg_catalog.set_config('search_path', '', true)";

  /** Whether it was read from that server. */
  boolean isOf(String other) {
    return server.equals(other);
  }
}
