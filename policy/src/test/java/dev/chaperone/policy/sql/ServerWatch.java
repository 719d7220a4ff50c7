package dev.chaperone.policy.sql;

import dev.chaperone.policy.testing.PostgresServer;
import dev.chaperone.policy.testing.PostgresWire;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/** Sees from another session what statements changed in the scratch database and its server. */
final class ServerWatch implements AutoCloseable {
  private final PostgresWire observer;
  private final PostgresWire bystander;
  private final String query;
  private List<String> before = List.of();

  ServerWatch(PostgresServer server, Path files) throws IOException {
    observer = new PostgresWire(server.port(), EffectProbe.DATABASE);
    bystander = new PostgresWire(server.port(), EffectProbe.DATABASE);
    bystander.query("SET application_name TO 'bystander'; LISTEN x");
    query = stateQuery(files);
    before = state();
  }

  private String stateQuery(Path files) throws IOException {
    StringBuilder sequences = new StringBuilder();
    for (List<String> row :
        observer
            .query(
                "SELECT oid::regclass FROM pg_class WHERE relkind = 'S' AND relpersistence = 'p'")
            .results()
            .get(0)
            .rows()) {
      sequences
          .append(" UNION ALL SELECT '")
          .append(row.get(0))
          .append(" ' || last_value || is_called FROM ")
          .append(row.get(0));
    }
    return """
        SELECT 'transaction ' || pg_snapshot_xmax(pg_current_snapshot())
        UNION ALL SELECT 'trace ' || count(*) FROM trace
        UNION ALL SELECT 'advisory locks ' || count(*) FROM pg_locks WHERE locktype = 'advisory'
        UNION ALL SELECT 'slots ' || count(*) FROM pg_replication_slots
        UNION ALL SELECT 'prepared transactions ' || count(*) FROM pg_prepared_xacts
        UNION ALL SELECT 'files ' || string_agg(f, ',') FROM pg_ls_dir('%s') AS f
        UNION ALL SELECT 'bystanders ' || count(*) FROM pg_stat_activity
                   WHERE application_name = 'bystander'
        UNION ALL SELECT 'loaded ' || pg_conf_load_time() || pg_postmaster_start_time()
        UNION ALL SELECT 'statistics since ' || stats_reset FROM pg_stat_database
        """
            .formatted(files)
        + sequences;
  }

  private List<String> state() throws IOException {
    PostgresWire.Answer answer = observer.query(query);
    if (!answer.isSuccess()) {
      throw new IOException("server cannot be looked at: " + answer.error());
    }
    return answer.results().get(0).rows().stream().map(row -> String.valueOf(row.get(0))).toList();
  }

  /**
   * What changed since this was last asked; empty for nothing.
   *
   * @param ofSession whether a session may have made objects and taken locks of its own: they take
   *     transaction numbers
   */
  String changes(boolean ofSession) throws IOException {
    List<String> now = state();
    List<String> changes = new ArrayList<>(now);
    changes.removeAll(before);
    before = now;
    if (ofSession) {
      changes.removeIf(line -> line.matches("(transaction|advisory locks) \\d+"));
    }
    return String.join(", ", changes);
  }

  /** Hashes of everything that the database's tables and the server's own hold. */
  Map<String, String> content() throws IOException {
    Map<String, String> hashes = new LinkedHashMap<>();
    for (List<String> row :
        observer
            .query(
                """
                SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                 WHERE relkind IN ('r', 'm') AND relpersistence = 'p' AND relname !~ '^pg_statistic'
                   AND nspname !~ '^pg_(toast|temp)'
                   -- Reading it runs a function; schemas of sessions stay when they have ended.
                   AND relname NOT IN ('indexed', 'checked', 'pg_namespace')
                """)
            .results()
            .get(0)
            .rows()) {
      String table = row.get(0);
      hashes.put(
          table,
          observer
              .query("SELECT md5(string_agg(x::text, '|' ORDER BY x::text)) FROM " + table + " x")
              .value());
    }
    return hashes;
  }

  /** The tables whose rows are others than they were. */
  Set<String> changedContent(Map<String, String> earlier) throws IOException {
    Map<String, String> now = content();
    Set<String> changed = new TreeSet<>();
    now.forEach(
        (table, hash) -> {
          if (!Objects.equals(hash, earlier.get(table))) {
            changed.add(table);
          }
        });
    return changed;
  }

  @Override
  public void close() throws IOException {
    observer.close();
    bystander.close();
  }
}
