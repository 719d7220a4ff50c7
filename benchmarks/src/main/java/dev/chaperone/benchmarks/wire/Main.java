package dev.chaperone.benchmarks.wire;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The benchmarks on the wire, started by {@code benchmarks/run}. */
public final class Main {
  private Main() {}

  /**
   * Runs {@code throughput} (the default), {@code memory}, {@code footprint}, {@code held} or
   * {@code revoke} with its options.
   */
  public static void main(String... arguments) {
    List<String> rest = new ArrayList<>(List.of(arguments));
    String command = rest.isEmpty() || rest.get(0).startsWith("-") ? "throughput" : rest.remove(0);
    Path home = Path.of(System.getProperty("chaperone.home"));
    int exitCode;
    try {
      Options options =
          Options.parse(rest, home, home.resolve("benchmarks/target/" + command + ".json"));
      exitCode =
          switch (command) {
            case "throughput" -> throughput(options);
            case "memory" -> memory(options);
            case "footprint" -> footprint(options);
            case "held" -> held(options);
            case "revoke" -> revoke(options);
            default -> throw new IllegalArgumentException("unknown command " + command);
          };
    } catch (IllegalArgumentException e) {
      System.err.println("benchmarks: " + e.getMessage());
      exitCode = 2;
    } catch (IOException e) {
      System.err.println("benchmarks: " + e.getMessage());
      exitCode = 1;
    } catch (InterruptedException e) {
      exitCode = 1;
    }
    System.exit(exitCode);
  }

  private static int throughput(Options options) throws IOException, InterruptedException {
    try (Machine machine = Machine.prepare();
        Servers servers = Servers.start(machine, options)) {
      PgBench pgbench = new PgBench(machine);
      Results results = new Throughput(options, pgbench, servers.legs()).run();
      Report.print(results);
      Report.write(results, options);
      return exitCode(Floor.of(results));
    }
  }

  private static int memory(Options options) throws IOException, InterruptedException {
    try (Machine machine = Machine.prepare();
        Servers servers = Servers.start(machine, options)) {
      Memory memory = new Memory(options, new PgBench(machine));
      List<Floor> floors = new ArrayList<>();
      for (Leg leg : servers.legs()) {
        if (leg.process().isPresent()) {
          floors.addAll(memory.run(leg));
        }
      }
      Memory.report(floors, options);
      return exitCode(
          floors.stream().filter(floor -> floor.what().startsWith(Leg.GATEWAY)).toList());
    }
  }

  private static int footprint(Options options) throws IOException, InterruptedException {
    try (Machine machine = Machine.prepare();
        Servers servers = Servers.start(machine, options.onlyGateway())) {
      new Footprint(options, servers).run();
      return 0;
    }
  }

  private static int held(Options options) throws IOException, InterruptedException {
    try (Machine machine = Machine.prepare();
        Servers servers = Servers.start(machine, options.onlyGateway())) {
      Leg gateway = servers.leg(Leg.GATEWAY).orElseThrow();
      List<Floor> floors = new Held(gateway, Servers.status(machine, Leg.GATEWAY)).run();
      Memory.report(floors, options);
      return exitCode(floors);
    }
  }

  private static int revoke(Options options) throws IOException, InterruptedException {
    try (Machine machine = Machine.prepare();
        Servers servers = Servers.start(machine, options.onlyGateway())) {
      Leg gateway = servers.leg(Leg.GATEWAY).orElseThrow();
      List<Floor> floors = new Revoked(gateway, Servers.status(machine, Leg.GATEWAY)).run();
      Memory.report(floors, options);
      return exitCode(floors);
    }
  }

  private static int exitCode(List<Floor> floors) {
    return floors.stream().allMatch(Floor::held) ? 0 : 1;
  }
}
