package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole schema, dumped and restored through the gateway: nothing on the wire is changed. */
@Tag("long")
class PgDumpIT {
  private static final String ALL =
      """
        rules:
        - name: all
          effects: [Read, Write, Schema, Privilege, Execute, SessionState, Unknown]
          action: Allow
      """;

  @TempDir Path temporary;
  private TestPostgres server;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    for (String tool : List.of("pg_dump", "pg_restore", "psql")) {
      boolean installed =
          Stream.of(System.getenv("PATH").split(File.pathSeparator))
              .anyMatch(directory -> Files.isExecutable(Path.of(directory, tool)));
      if (!installed) {
        System.err.println("NOT RUN: tests with pg_dump, " + tool + " is not installed");
      }
      Assumptions.assumeTrue(installed, tool + " is not installed");
    }
    server = TestPostgres.shared(TestPostgres.Kind.INSTALLED);
    server.reset();
    server.execute(
        "GRANT CREATE ON DATABASE orders TO agent",
        "DROP SCHEMA IF EXISTS shop CASCADE",
        "CREATE SCHEMA shop AUTHORIZATION agent",
        """
        SET ROLE agent; SET search_path = shop;
        CREATE TYPE state AS ENUM ('new', 'old');
        CREATE DOMAIN positive AS int CHECK (VALUE > 0);
        CREATE SEQUENCE s START 7;
        CREATE TABLE a (id positive DEFAULT nextval('s') PRIMARY KEY, st state, j jsonb, b bytea,
          n numeric, ts timestamptz[], twice int GENERATED ALWAYS AS (id * 2) STORED);
        INSERT INTO a (st, j, b, n, ts)
          SELECT 'new', jsonb_build_object('k', g, 'ü', E'a\\tb\\nc'), decode(md5(g::text), 'hex'),
                 g / 7.0, ARRAY[timestamptz '2026-01-01 00:00:00Z', NULL]
            FROM generate_series(1, 5000) g;
        CREATE TABLE p (id int, at date) PARTITION BY RANGE (at);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        INSERT INTO p VALUES (1, '2026-02-02');
        CREATE VIEW v AS SELECT id, st FROM a WHERE id > 3;
        CREATE MATERIALIZED VIEW m AS SELECT count(*) FROM a;
        CREATE FUNCTION f(x int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN x + 1; END $$;
        CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RETURN NEW; END $f$;
        CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION trg();
        CREATE INDEX i ON a (n DESC) WHERE n > 1;
        COMMENT ON TABLE a IS 'it''s';
        CREATE RULE r AS ON DELETE TO p DO INSTEAD NOTHING;
        ALTER TABLE a ENABLE ROW LEVEL SECURITY;
        CREATE POLICY pol ON a USING (true)
        """);
    gateway = GatewayUnderTest.start(server);
    gateway.policy(ALL);
  }

  @AfterEach
  void stop() {
    if (gateway != null) {
      gateway.close();
      server.execute("DROP SCHEMA IF EXISTS shop CASCADE");
    }
  }

  @Test
  void aDumpThroughTheGatewayIsTheDumpOfTheServerAndRestoresToTheSame() throws Exception {
    String direct = dump(server.port());
    assertThat(direct).contains("CREATE POLICY pol").contains("COPY shop.a");
    assertThat(dump(gateway.port())).isEqualTo(direct);

    Path file = Files.writeString(temporary.resolve("dump.sql"), direct);
    server.execute("DROP SCHEMA shop CASCADE");
    run("psql", gateway.port(), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file.toString());
    assertThat(dump(server.port())).isEqualTo(direct);
  }

  @Test
  void archivesAreDumpedAndRestoredBySeveralWorkersAtOnce() throws Exception {
    String direct = dump(server.port());
    Path archive = temporary.resolve("archive");
    run("pg_dump", gateway.port(), "-n", "shop", "-Fd", "-j", "3", "-f", archive.toString());
    server.execute("DROP SCHEMA shop CASCADE");
    run(
        "pg_restore",
        gateway.port(),
        "-j",
        "3",
        "--exit-on-error",
        "-d",
        TestPostgres.DATABASE,
        archive.toString());
    assertThat(dump(server.port())).isEqualTo(direct);
  }

  /** The schema as SQL, without the key that newer releases draw for each dump. */
  private String dump(int port) throws Exception {
    return run("pg_dump", port, "-n", "shop")
        .lines()
        .filter(line -> !line.startsWith("\\restrict ") && !line.startsWith("\\unrestrict "))
        .collect(Collectors.joining("\n"));
  }

  private String run(String program, int port, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(program));
    command.addAll(List.of(arguments));
    Path errors = temporary.resolve("errors");
    Path output = temporary.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectError(errors.toFile())
            .redirectOutput(output.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
    builder.environment().put("LC_ALL", "C.UTF-8");
    builder.environment().put("PGHOST", "127.0.0.1");
    builder.environment().put("PGPORT", Integer.toString(port));
    builder.environment().put("PGUSER", TestPostgres.USER);
    builder.environment().put("PGPASSWORD", TestPostgres.PASSWORD);
    builder.environment().put("PGDATABASE", TestPostgres.DATABASE);
    Process process = builder.start();
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).as("ends").isTrue();
    assertThat(process.exitValue()).as(Files.readString(errors)).isZero();
    return Files.readString(output, StandardCharsets.UTF_8);
  }
}
