package dev.chaperone.cli.policy;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.ExitCode;
import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.CatalogQuery;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Writes what the gateway knows of a target's catalog, for {@code policy explain --catalog}. */
@Command(
    name = "catalog",
    description = {
      "Print what the gateway reads of a target's catalog: names of tables, functions, types, and",
      "which of them run code. Holds no row of any table."
    },
    mixinStandardHelpOptions = true)
final class CatalogCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private ConnectionOption connection;

  @Option(
      names = "--target",
      paramLabel = "HOST:PORT",
      description = "Where the target is, instead of what the connection says.")
  private String target;

  @Override
  public Integer call() throws IOException {
    ConnectionConfiguration configuration = configuration();
    PrintWriter out = spec.commandLine().getOut();
    try (Connection database = TargetDatabase.open(configuration)) {
      read(database).write(out);
    } catch (SQLException e) {
      // The driver's message may name host and user; both are in the directory this command reads.
      throw CommandException.failed("the target cannot be asked: " + e.getMessage());
    } catch (IllegalStateException e) {
      throw CommandException.failed("the target's catalog cannot be read: " + e.getMessage());
    }
    out.flush();
    return ExitCode.OK;
  }

  private ConnectionConfiguration configuration() {
    ConnectionConfiguration found = connection.selected(connection.configuration());
    if (target == null) {
      return found;
    }
    int colon = target.lastIndexOf(':');
    if (colon < 1 || !target.substring(colon + 1).matches("[0-9]{1,5}")) {
      throw CommandException.usage("--target " + target + ": is not HOST:PORT");
    }
    return found.withTarget(
        target.substring(0, colon), Integer.parseInt(target.substring(colon + 1)));
  }

  private static Catalog read(Connection database) throws SQLException {
    Catalog.Builder builder = Catalog.builder();
    try (Statement statement = database.createStatement()) {
      for (CatalogQuery query : CatalogQuery.values()) {
        try (ResultSet rows = statement.executeQuery(query.sql())) {
          int columns = rows.getMetaData().getColumnCount();
          while (rows.next()) {
            List<String> row = new ArrayList<>(columns);
            for (int i = 1; i <= columns; i++) {
              row.add(rows.getString(i));
            }
            builder.row(query, row);
          }
        }
      }
    }
    return builder.build();
  }
}
