package dev.chaperone.cli.quickstart;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What the quickstart tells its user to type. */
final class Guide {
  private Guide() {}

  static String text(int port, Path run, boolean kept) {
    return """

    A PostgreSQL with sample data (customers, cards, orders, tickets) and a gateway in front of it
    are running. Connect as an agent would; it needs no password, the gateway holds the real one:

      psql -h 127.0.0.1 -p %1$d -U agent %2$s
      jdbc:postgresql://127.0.0.1:%1$d/%2$s?user=agent
    %3$s
    Allowed, to try:

      SELECT status, count(*) FROM orders GROUP BY status;
      UPDATE tickets SET status = 'solved' WHERE id = 1;

    Refused, and the connection lives on:

      DROP TABLE customers;
      UPDATE tickets SET status = 'solved';

    Waits until you decide, in another terminal:

      DELETE FROM orders WHERE id = 1;

      export CHAPERONE_STATUS=%6$s
      ./chaperone requests
      ./chaperone approve NAME -m "fine"

    The rules are in %4$s
    Edit them: the next statement is decided by what you saved.

    On one machine this is no boundary: a process of the same user can read the password and reach
    the database itself. In a cluster the gateway's container holds it, out of the agent's reach.

    Ctrl-C stops both%5$s.
    """
        .formatted(
            port,
            SampleDatabase.NAME,
            hasPsql()
                ? ""
                : "\n(There is no psql here; on Debian: apt-get install postgresql-client)\n",
            run.resolve("configuration").resolve("policy.yaml"),
            kept ? "; " + run + " is kept" : " and removes everything",
            run.resolve("status"));
  }

  private static boolean hasPsql() {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.of(path.split(File.pathSeparator, -1))
        .filter(directory -> !directory.isEmpty())
        .anyMatch(directory -> Files.isExecutable(Path.of(directory, "psql")));
  }
}
