package dev.chaperone.cli.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SampleDatabaseIT {
  private static final String PASSWORD = "only-for-this-test";

  private final Cleanup cleanup = new Cleanup();

  @AfterEach
  void end() {
    cleanup.end();
  }

  @Test
  void holdsTheSampleDataForOneRoleWithItsPassword() throws Exception {
    Path run = Directories.temporary();
    cleanup.add(() -> Directories.remove(run));
    Unprivileged user = Unprivileged.detect();
    PostgresBinaries binaries = PostgresBinaries.locate(Path.of("target"), run, user);
    SampleDatabase database = new SampleDatabase(binaries, user, run, cleanup);
    database.create(PASSWORD, Path.of("..", "examples", "quickstart", "sample-data.sql"));
    int port = Ports.anyFree();
    Child server = database.start(port);

    try (Connection connection = connect(port, SampleDatabase.ROLE, PASSWORD)) {
      assertThat(count(connection, "customers")).isEqualTo(40);
      assertThat(count(connection, "cards")).isEqualTo(40);
      assertThat(count(connection, "orders")).isEqualTo(400);
      assertThat(count(connection, "tickets")).isEqualTo(60);
      assertThat(one(connection, "SELECT usesuper::text FROM pg_user WHERE usename = current_user"))
          .isEqualTo("false");
    }
    assertThatThrownBy(() -> connect(port, SampleDatabase.ROLE, "wrong"))
        .isInstanceOf(SQLException.class);
    assertThatThrownBy(() -> connect(port, "postgres", PASSWORD)).isInstanceOf(SQLException.class);

    cleanup.end();
    assertThat(server.isAlive()).isFalse();
    assertThat(run).doesNotExist();
  }

  private static Connection connect(int port, String role, String password) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://127.0.0.1:%d/%s".formatted(port, SampleDatabase.NAME), role, password);
  }

  private static int count(Connection connection, String table) throws SQLException {
    return Integer.parseInt(one(connection, "SELECT count(*)::text FROM " + table));
  }

  private static String one(Connection connection, String query) throws SQLException {
    try (var statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      assertThat(result.next()).isTrue();
      return result.getString(1);
    }
  }
}
