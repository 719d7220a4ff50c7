package dev.chaperone.cli.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.cli.CommandRun;
import dev.chaperone.cli.quickstart.SampleServer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CatalogCommandIT {

  @Test
  void explainKnowsTheTablesOfTheTargetFromTheCatalogFile(@TempDir Path directory)
      throws Exception {
    try (SampleServer server = SampleServer.start()) {
      CommandRun written =
          CommandRun.of(
              "policy",
              "catalog",
              "--directory",
              server.configuration().toString(),
              "--connection",
              "orders-db",
              "--target",
              "127.0.0.1:" + server.port());
      assertThat(written.exitCode()).as(written.errors()).isZero();
      Path catalog = Files.writeString(directory.resolve("catalog"), written.output());

      CommandRun known = explain(server, catalog, "SELECT * FROM customers");
      CommandRun unknown = explain(server, catalog, "SELECT * FROM no_such_table");

      assertThat(known.exitCode()).isZero();
      assertThat(known.output()).contains("Read SELECT public.customers -> Allow");
      assertThat(unknown.exitCode()).isEqualTo(3);

      assertThat(known.output())
          .contains("masked in the result: email, ssn")
          .contains("public.customers: email Partial, ssn Partial");
      // The catalog that is kept beside the example's tests is one of these.
      CommandRun tested =
          CommandRun.of(
              "policy",
              "test",
              "--catalog",
              catalog.toString(),
              Path.of("..", "examples", "tests", "quickstart.yaml").toString());
      assertThat(tested.exitCode()).as(tested.output() + tested.errors()).isZero();

      CommandRun used = explain(server, catalog, "SELECT id FROM customers WHERE ssn = '1'");
      assertThat(used.exitCode()).isEqualTo(3);
      assertThat(used.output()).contains("refused: the masked column ssn may not be used");
      CommandRun free = explain(server, catalog, "SELECT name FROM customers ORDER BY name");
      assertThat(free.exitCode()).isZero();
      assertThat(free.output()).contains("no masked column is in the result");
    }
  }

  @Test
  void saysThatTheTargetCannotBeAskedAndNeverThePassword() throws Exception {
    try (SampleServer server = SampleServer.start()) {
      CommandRun run =
          CommandRun.of(
              "policy",
              "catalog",
              "--directory",
              server.configuration().toString(),
              "--connection",
              "orders-db",
              "--target",
              "127.0.0.1:1");

      assertThat(run.exitCode()).isEqualTo(1);
      assertThat(run.errors())
          .contains("the target cannot be asked")
          .doesNotContain(server.password());
    }
  }

  private static CommandRun explain(SampleServer server, Path catalog, String sql) {
    return CommandRun.of(
        "policy",
        "explain",
        "--directory",
        server.configuration().toString(),
        "--connection",
        "orders-db",
        "--catalog",
        catalog.toString(),
        sql);
  }
}
