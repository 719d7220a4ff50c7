package dev.chaperone.operator.load;

import dev.chaperone.operator.testing.OperatorProgram;
import dev.chaperone.operator.testing.TestCluster;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The packaged operator under load, started by {@code benchmarks/run operator}. */
public final class Main {
  private static final int SIDECARS = 200;
  private static final int RESOURCES = 1_000;

  /** Kept, because a logger that nobody has is forgotten with its level. */
  private static final Logger SIDECARS_LOG = Logger.getLogger("dev.chaperone");

  private Main() {}

  /**
   * Measures.
   *
   * @param arguments {@code [--sidecars N] [--resources N] [--memory MIB] [--json FILE]}
   */
  public static void main(String... arguments) {
    // That connections are lost and made again is what is measured.
    SIDECARS_LOG.setLevel(Level.SEVERE);
    int exitCode;
    try {
      exitCode = run(new ArrayList<>(List.of(arguments))) ? 0 : 1;
    } catch (IllegalArgumentException e) {
      System.err.println("benchmarks: " + e.getMessage());
      exitCode = 2;
    } catch (InterruptedException e) {
      exitCode = 1;
    } catch (Exception e) {
      System.err.println("benchmarks: " + e);
      exitCode = 1;
    }
    System.exit(exitCode);
  }

  private static boolean run(List<String> arguments) throws Exception {
    int sidecars = SIDECARS;
    int resources = RESOURCES;
    int memoryLimit = OperatorProgram.MEMORY_LIMIT;
    Path json = Path.of(System.getProperty("chaperone.home"), "benchmarks/target/operator.json");
    while (!arguments.isEmpty()) {
      String name = arguments.remove(0);
      if (arguments.isEmpty()) {
        throw new IllegalArgumentException(name + " needs a value");
      }
      String value = arguments.remove(0);
      switch (name) {
        case "--sidecars" -> sidecars = number(value);
        case "--resources" -> resources = number(value);
        case "--memory" -> memoryLimit = number(value);
        case "--json" -> json = Path.of(value);
        default -> throw new IllegalArgumentException("unknown option " + name);
      }
    }
    Optional<String> reason = TestCluster.reasonNotToRun(true);
    if (reason.isPresent()) {
      throw new IOException(reason.get());
    }
    Figures figures = new Figures();
    try (LoadCluster cluster = LoadCluster.in(TestCluster.open("load"), memoryLimit)) {
      new OperatorLoad(cluster, figures, sidecars, memoryLimit, resources).run();
    } finally {
      figures.write(json, sidecars);
    }
    return figures.held();
  }

  private static int number(String value) {
    int number = Integer.parseInt(value);
    if (number < 1) {
      throw new IllegalArgumentException(value + " must be at least 1");
    }
    return number;
  }
}
