package dev.chaperone.cli.quickstart;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.ExitCode;
import dev.chaperone.cli.Home;
import dev.chaperone.recording.memory.JournalMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs a database with sample data and the gateway in front of it, until it is interrupted. */
@Command(
    name = "quickstart",
    description = "Run a PostgreSQL with sample data and the gateway in front of it, until Ctrl-C.",
    mixinStandardHelpOptions = true)
public final class QuickstartCommand implements Callable<Integer> {
  @Option(
      names = "--keep",
      paramLabel = "DIR",
      description = "Keep the configuration, the data and the logs in DIR, a new directory.")
  private Path keep;

  @Option(names = "--tour", description = "Show what the gateway does, step by step, and end.")
  private boolean tour;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "" + GatewayConfiguration.PORT,
      description = "Where the agent connects; the next free port is used when this is taken.")
  private int port;

  private final Cleanup cleanup = new Cleanup();
  private final AtomicInteger exitCode = new AtomicInteger(ExitCode.OK);

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (port < 1024 || port > 65_535) {
      throw CommandException.usage("--port must be from 1024 to 65535");
    }
    Home home = Home.locate();
    Unprivileged user = Unprivileged.detect();
    Runtime.getRuntime().addShutdownHook(new Thread(this::end, "end"));
    try {
      runUntilStopped(home, user);
    } catch (IOException | InterruptedException | RuntimeException e) {
      if (cleanup.hasEnded()) {
        // Stopped while starting: what was being set up is being taken away under our hands.
        park();
      }
      exitCode.set(e instanceof CommandException told ? told.exitCode() : ExitCode.FAILED);
      throw e;
    }
    return exitCode.get();
  }

  private void runUntilStopped(Home home, Unprivileged user)
      throws IOException, InterruptedException {
    Path run = makeRunDirectory();
    int freePort = Ports.nextFree(port);
    if (freePort != port) {
      System.out.printf("Port %d is taken; using %d.%n", port, freePort);
    }
    String password = randomPassword();
    Path example = home.example("quickstart");
    GatewayConfiguration.write(example, run.resolve("configuration"), freePort, password);
    int databasePort = Ports.anyFree();
    PostgresBinaries binaries = PostgresBinaries.locate(home.cache(), run, user);
    // The gateway needs its target only when a client comes, so both start at the same time. The
    // gateway is added to the cleanup first and stopped last: nothing is lost, it has no state
    // here.
    Gateway gateway = Gateway.start(home.launcher(), run, databasePort, cleanup);
    SampleDatabase database = new SampleDatabase(binaries, user, run, cleanup);
    database.create(password, example.resolve("sample-data.sql"));
    Child server = database.start(databasePort);
    gateway.awaitReady();
    if (tour) {
      exitCode.set(
          tour(home, run, freePort, databasePort, password) ? ExitCode.OK : ExitCode.FAILED);
      return;
    }
    System.out.print(Guide.text(freePort, run, keep != null));
    System.out.flush();
    awaitEnd(gateway.child(), server);
  }

  private static boolean tour(Home home, Path run, int port, int databasePort, String password)
      throws InterruptedException {
    return new Tour(
            port,
            databasePort,
            password,
            run,
            new OtherProcess(home.launcher(), run.resolve("status")),
            TourPrinter.toStandardOutput())
        .run();
  }

  private Path makeRunDirectory() throws IOException {
    if (keep != null) {
      return Directories.kept(keep);
    }
    Path run = Directories.temporary();
    cleanup.add(() -> Directories.remove(run));
    cleanup.add(() -> discardMemory(run.resolve("status").resolve("recordings")));
    return run;
  }

  /** A gateway that was killed leaves memory behind. */
  private static void discardMemory(Path recordings) {
    if (!Files.isDirectory(recordings)) {
      return;
    }
    try {
      for (JournalMemory memory : JournalMemory.find(recordings)) {
        memory.discard();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns when a child has ended by itself; a signal ends the process through the hook. */
  private void awaitEnd(Child gateway, Child server) throws InterruptedException {
    CompletableFuture.anyOf(gateway.process().onExit(), server.process().onExit()).join();
    // Ctrl-C reaches the children as well as us, and they may be faster.
    Thread.sleep(500);
    if (cleanup.hasEnded()) {
      park();
    }
    Child ended = gateway.isAlive() ? server : gateway;
    throw CommandException.failed(
        "%s ended (exit code %d):%n%s"
            .formatted(ended.name(), ended.process().exitValue(), ended.lastWords()));
  }

  private void end() {
    boolean interrupted = exitCode.get() == ExitCode.OK && !tour;
    if (interrupted) {
      System.out.println("Stopping ...");
    }
    cleanup.end();
    if (interrupted && keep != null) {
      System.out.println("Kept in " + keep.toAbsolutePath().normalize());
    }
    System.out.flush();
    // Being interrupted is how the quickstart ends: that is no failure.
    Runtime.getRuntime().halt(exitCode.get());
  }

  private static void park() throws InterruptedException {
    Thread.sleep(Long.MAX_VALUE);
  }

  private static String randomPassword() {
    byte[] bytes = new byte[24];
    new SecureRandom().nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }
}
