package dev.chaperone.benchmarks.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Runs pgbench against one leg. */
final class PgBench {
  private static final Pattern TPS = Pattern.compile("tps = ([0-9.]+) \\(without initial");
  private static final Pattern FAILED = Pattern.compile("number of failed transactions: ([0-9]+)");
  // The first part of a run is logging in, which is not what a query costs.
  private static final long LOGIN_MILLIS = 500;
  private static final int WARM_UP_CLIENTS = 16;
  private static final long TAIL_MILLIS = 150;

  private final Path program;
  private final Map<Workload, Path> scripts = new EnumMap<>(Workload.class);

  PgBench(Machine machine) throws IOException {
    program = machine.postgres("pgbench");
    for (Workload workload : Workload.values()) {
      if (workload.returnsRows()) {
        Path script = machine.directory().resolve(workload.label() + ".sql");
        Files.writeString(script, workload.script());
        scripts.put(workload, script);
      }
    }
  }

  /** Neither TLS nor GSSAPI on any leg: their negotiation is not what is compared. */
  static Map<String, String> environment() {
    return Map.of(
        "PGPASSWORD", Servers.PASSWORD, "PGSSLMODE", "disable", "PGGSSENCMODE", "disable");
  }

  /** Runs a number of queries, a twentieth where one returns many rows, and measures nothing. */
  void warmUp(Leg leg, Workload workload, int queries) throws IOException, InterruptedException {
    int perClient =
        Math.max(1, (workload.returnsRows() ? queries / 20 : queries) / WARM_UP_CLIENTS);
    finish(start(leg, workload, WARM_UP_CLIENTS, "-t", String.valueOf(perClient)));
  }

  /** Measures one cell. */
  Sample measure(Leg leg, Workload workload, int clients, int seconds)
      throws IOException, InterruptedException {
    Process process = start(leg, workload, clients, "-T", String.valueOf(seconds));
    Thread.sleep(LOGIN_MILLIS);
    double cpuBefore = cpu(leg);
    long from = System.nanoTime();
    Thread.sleep(seconds * 1000L - LOGIN_MILLIS - TAIL_MILLIS);
    double cpu = cpu(leg) - cpuBefore;
    double window = (System.nanoTime() - from) / 1e9;
    double tps;
    try {
      tps = finish(process);
    } catch (IOException e) {
      throw new IOException(
          "%s, %s, c=%d: %s".formatted(leg.name(), workload.label(), clients, e.getMessage()), e);
    }
    return new Sample(tps, cpu * 1e6 / (tps * window));
  }

  /** Starts a run that lasts for some seconds. */
  Process start(Leg leg, Workload workload, int clients, int seconds) throws IOException {
    return start(leg, workload, clients, "-T", String.valueOf(seconds));
  }

  private Process start(Leg leg, Workload workload, int clients, String... length)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(program.toString());
    command.addAll(List.of("-h", "127.0.0.1", "-p", String.valueOf(leg.port())));
    command.addAll(List.of("-U", Servers.USER, "-n", "-M", workload.protocol()));
    command.addAll(
        List.of("-c", String.valueOf(clients), "-j", String.valueOf(Math.min(clients, 2))));
    command.addAll(List.of(length));
    command.addAll(
        workload.returnsRows() ? List.of("-f", scripts.get(workload).toString()) : List.of("-S"));
    command.add(Servers.DATABASE);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment());
    return builder.start();
  }

  /** Waits for a run and returns its transactions per second. */
  double finish(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    Matcher tps = TPS.matcher(output);
    Matcher failed = FAILED.matcher(output);
    if (process.waitFor() != 0 || !tps.find() || (failed.find() && !failed.group(1).equals("0"))) {
      throw new IOException("pgbench failed:\n" + output);
    }
    return Double.parseDouble(tps.group(1));
  }

  private static double cpu(Leg leg) throws IOException {
    return leg.process().isPresent() ? leg.process().get().cpuSeconds() : 0;
  }
}
