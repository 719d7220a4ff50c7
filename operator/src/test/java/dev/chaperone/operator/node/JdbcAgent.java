package dev.chaperone.operator.node;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * An agent in a pod: pgjdbc as it comes, pointed at what its environment says, with one connection
 * for as long as it runs. It executes each line of standard input and says what came of it, then a
 * line {@code done}. {@code \repeat SQL} executes one statement again and again until the next line
 * comes or the connection ends. Its argument is the prefix of the variables that it reads.
 */
final class JdbcAgent {
  /** Says that a command is over. */
  static final String DONE = "done";

  static final String REPEAT = "\\repeat ";

  private static final int PAUSE_MILLIS = 50;

  private final BufferedReader in;
  private final PrintStream out;
  private final Connection connection;

  private JdbcAgent(BufferedReader in, PrintStream out, Connection connection) {
    this.in = in;
    this.out = out;
    this.connection = connection;
  }

  public static void main(String... arguments) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    String prefix = arguments.length == 0 ? "" : arguments[0];
    String url =
        "jdbc:postgresql://%s:%s/%s"
            .formatted(
                System.getenv(prefix + "PGHOST"),
                System.getenv(prefix + "PGPORT"),
                System.getenv(prefix + "PGDATABASE"));
    try (Connection connection =
        DriverManager.getConnection(url, System.getenv(prefix + "PGUSER"), "")) {
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      out.println(DONE);
      new JdbcAgent(in, out, connection).run();
    } catch (SQLException e) {
      out.println(text(e));
      out.println(DONE);
    }
  }

  private void run() throws IOException, InterruptedException {
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      if (line.startsWith(REPEAT)) {
        repeat(line.substring(REPEAT.length()));
      } else {
        try {
          execute(line, true);
        } catch (SQLException e) {
          out.println(text(e));
        }
      }
      out.println(DONE);
    }
  }

  /** Says how often it was executed, the longest time one took, and what ended it. */
  private void repeat(String sql) throws IOException, InterruptedException {
    int executed = 0;
    int refused = 0;
    long longest = 0;
    String last = "";
    while (!in.ready() && !closed()) {
      long begin = System.nanoTime();
      try {
        execute(sql, false);
        executed++;
      } catch (SQLException e) {
        if (refused++ == 0) {
          out.println("first " + text(e));
        }
        last = text(e);
      }
      longest = Math.max(longest, (System.nanoTime() - begin) / 1_000_000);
      Thread.sleep(PAUSE_MILLIS);
    }
    out.println("executed " + executed + " refused " + refused + " longest " + longest + " ms");
    if (!last.isEmpty()) {
      out.println("last " + last);
    }
  }

  private boolean closed() {
    try {
      return connection.isClosed();
    } catch (SQLException e) {
      return true;
    }
  }

  private void execute(String sql, boolean print) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      boolean rows = statement.execute(sql);
      if (!rows) {
        if (print) {
          out.println("updated " + statement.getUpdateCount());
        }
        return;
      }
      try (ResultSet result = statement.getResultSet()) {
        int columns = result.getMetaData().getColumnCount();
        while (result.next()) {
          StringBuilder row = new StringBuilder();
          for (int i = 1; i <= columns; i++) {
            row.append(i == 1 ? "" : "|").append(result.getString(i));
          }
          if (print) {
            out.println(row);
          }
        }
      }
    }
  }

  private static String text(SQLException e) {
    return "ERROR " + e.getSQLState() + " " + String.valueOf(e.getMessage()).replace('\n', ' ');
  }
}
