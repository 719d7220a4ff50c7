package dev.chaperone.policy.testing;

import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.CatalogQuery;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Loads catalogs over JDBC, for tests. */
public final class Catalogs {
  private Catalogs() {}

  /** Runs the catalog queries; leaves the connection's search path as it was. */
  public static Catalog load(Connection connection) throws SQLException {
    Catalog.Builder builder = Catalog.builder();
    try (Statement statement = connection.createStatement()) {
      String path;
      try (ResultSet result = statement.executeQuery("SHOW search_path")) {
        result.next();
        path = result.getString(1);
      }
      for (CatalogQuery query : CatalogQuery.values()) {
        try (ResultSet result = statement.executeQuery(query.sql())) {
          int columns = result.getMetaData().getColumnCount();
          while (result.next()) {
            List<String> row = new ArrayList<>(columns);
            for (int i = 1; i <= columns; i++) {
              row.add(result.getString(i));
            }
            builder.row(query, row);
          }
        }
      }
      statement.execute("SET search_path TO " + path);
    }
    return builder.build();
  }
}
