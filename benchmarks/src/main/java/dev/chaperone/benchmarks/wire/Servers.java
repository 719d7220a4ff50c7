package dev.chaperone.benchmarks.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A private PostgreSQL, and the ways to it that the options ask for. */
final class Servers implements AutoCloseable {
  static final String DATABASE = "bench";
  static final String USER = "bench";
  static final String PASSWORD = "bench";

  private static final String PEOPLE =
      "CREATE TABLE people AS SELECT n AS id, 'Person ' || n AS name,"
          + " 'person.' || n || '@example.com' AS email,"
          + " lpad((n % 900)::text, 3, '0') || '-12-' || lpad((n % 10000)::text, 4, '0') AS ssn"
          + " FROM generate_series(1, 100000) n; ALTER TABLE people ADD PRIMARY KEY (id);"
          + " ANALYZE people";

  private final Machine machine;
  private final List<Running> running = new ArrayList<>();
  private final List<Leg> legs = new ArrayList<>();
  private int database;

  private Servers(Machine machine) {
    this.machine = machine;
  }

  static Servers start(Machine machine, Options options) throws IOException, InterruptedException {
    Servers servers = new Servers(machine);
    int database = servers.startDatabase();
    servers.database = database;
    if (options.wantsLeg(Leg.DIRECT)) {
      servers.legs.add(new Leg(Leg.DIRECT, database, Optional.empty()));
    }
    if (options.wantsLeg(Leg.PGBOUNCER)) {
      servers.startPgBouncer(database);
    }
    if (options.wantsLeg(Leg.GATEWAY)) {
      servers.startGateway(options.home(), database, Leg.GATEWAY, "");
    }
    if (options.wantsLeg(Leg.MASKING)) {
      servers.startGateway(options.home(), database, Leg.MASKING, GatewayResources.MASKING);
    }
    return servers;
  }

  List<Leg> legs() {
    return List.copyOf(legs);
  }

  Optional<Leg> leg(String name) {
    return legs.stream().filter(leg -> leg.name().equals(name)).findFirst();
  }

  /** Makes tables of some columns in the database. */
  void createTables(int count) throws IOException, InterruptedException {
    int batch = 500;
    for (int from = 0; from < count; from += batch) {
      client(
          database,
          "psql",
          "-q",
          "-d",
          DATABASE,
          "-c",
          ("DO $$ BEGIN FOR n IN %d..%d LOOP EXECUTE format('CREATE TABLE many_%%s"
                  + " (id int PRIMARY KEY, name text, email text, at timestamptz, total numeric)', n);"
                  + " END LOOP; END $$")
              .formatted(from, from + batch - 1));
    }
  }

  /** One more gateway, with the same policy. */
  Leg anotherGateway(Path home) throws IOException, InterruptedException {
    startGateway(home, database, Leg.GATEWAY + "-2", "");
    return legs.get(legs.size() - 1);
  }

  private int startDatabase() throws IOException, InterruptedException {
    Path data = machine.directory().resolve("data");
    Path password = machine.directory().resolve("password");
    Files.writeString(password, PASSWORD);
    run(
        machine.unprivileged(
            machine.postgres("initdb").toString(),
            "-D",
            data.toString(),
            "-U",
            USER,
            "-A",
            "scram-sha-256",
            "--pwfile=" + password,
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C"));
    int port = machine.freePort();
    List<String> command =
        machine.unprivileged(
            machine.postgres("postgres").toString(),
            "-D",
            data.toString(),
            "-p",
            String.valueOf(port));
    for (String setting :
        List.of(
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "shared_buffers=256MB",
            "max_connections=1200",
            "fsync=off")) {
      command.add("-c");
      command.add(setting);
    }
    running.add(
        Running.start("PostgreSQL", command, machine.directory().resolve("postgresql.log"), true)
            .awaitLine("ready to accept connections"));
    client(port, "createdb", DATABASE);
    client(port, "pgbench", "-i", "-q", "-s", "10", DATABASE);
    client(port, "psql", "-q", "-d", DATABASE, "-c", PEOPLE);
    return port;
  }

  private void startPgBouncer(int database) throws IOException, InterruptedException {
    int port = machine.freePort();
    Path configuration = machine.directory().resolve("pgbouncer.ini");
    Files.writeString(
        configuration,
        """
        [databases]
        %1$s = host=127.0.0.1 port=%2$d dbname=%1$s user=%3$s password=%4$s
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = %5$d
        unix_socket_dir =
        auth_type = any
        pool_mode = session
        default_pool_size = 50
        ignore_startup_parameters = extra_float_digits
        """
            .formatted(DATABASE, database, USER, PASSWORD, port));
    add(
        Leg.PGBOUNCER,
        port,
        Running.start(
                "PgBouncer",
                machine.unprivileged(machine.pgbouncer().toString(), configuration.toString()),
                machine.directory().resolve("pgbouncer.log"))
            .awaitLine("process up"));
  }

  private void startGateway(Path home, int database, String leg, String masking)
      throws IOException, InterruptedException {
    int port = machine.freePort();
    Path configuration = Files.createDirectory(machine.directory().resolve(leg));
    Files.writeString(
        configuration.resolve("gateway.yaml"),
        GatewayResources.yaml(DATABASE, USER, PASSWORD, port, masking));
    add(
        leg,
        port,
        Running.start(
                "the gateway",
                List.of(
                    home.resolve("chaperone").toString(),
                    "run",
                    "--directory",
                    configuration.toString(),
                    "--status",
                    status(machine, leg).toString(),
                    "--group",
                    "approvers=ann",
                    "--target",
                    DATABASE + "=127.0.0.1:" + database),
                machine.directory().resolve(leg + ".log"))
            .awaitLine("ready"));
  }

  /** Where a gateway writes its status. */
  static Path status(Machine machine, String leg) {
    return machine.directory().resolve(leg + "-status");
  }

  private void add(String name, int port, Running process) {
    running.add(process);
    legs.add(new Leg(name, port, Optional.of(process)));
  }

  private void client(int port, String program, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(machine.postgres(program).toString());
    command.addAll(List.of("-h", "127.0.0.1", "-p", String.valueOf(port), "-U", USER));
    command.addAll(List.of(arguments));
    run(command);
  }

  private static void run(List<String> command) throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(Path.of("/").toFile()).redirectErrorStream(true);
    builder.environment().putAll(PgBench.environment());
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    if (!process.waitFor(5, TimeUnit.MINUTES) || process.exitValue() != 0) {
      throw new IOException(String.join(" ", command) + " failed:\n" + output);
    }
  }

  @Override
  public void close() {
    for (int i = running.size() - 1; i >= 0; i--) {
      running.get(i).close();
    }
  }
}
