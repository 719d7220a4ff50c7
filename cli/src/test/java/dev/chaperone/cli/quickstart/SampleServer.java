package dev.chaperone.cli.quickstart;

import java.io.IOException;
import java.nio.file.Path;

/** The quickstart's database and configuration, without its gateway. */
public final class SampleServer implements AutoCloseable {
  private static final String PASSWORD = "only-for-this-test";

  private final Cleanup cleanup;
  private final Path configuration;
  private final int port;

  private SampleServer(Cleanup cleanup, Path configuration, int port) {
    this.cleanup = cleanup;
    this.configuration = configuration;
    this.port = port;
  }

  /** Starts the database. */
  public static SampleServer start() throws IOException, InterruptedException {
    Cleanup cleanup = new Cleanup();
    Path run = Directories.temporary();
    cleanup.add(() -> Directories.remove(run));
    Path example = Path.of("..", "examples", "quickstart");
    Unprivileged user = Unprivileged.detect();
    SampleDatabase database =
        new SampleDatabase(
            PostgresBinaries.locate(Path.of("target"), run, user), user, run, cleanup);
    database.create(PASSWORD, example.resolve("sample-data.sql"));
    int port = Ports.anyFree();
    database.start(port);
    Path configuration = run.resolve("configuration");
    GatewayConfiguration.write(example, configuration, GatewayConfiguration.PORT, PASSWORD);
    return new SampleServer(cleanup, configuration, port);
  }

  /** The directory with the resources. */
  public Path configuration() {
    return configuration;
  }

  /** Where the database listens. */
  public int port() {
    return port;
  }

  /** What must not be printed. */
  public String password() {
    return PASSWORD;
  }

  @Override
  public void close() {
    cleanup.end();
  }
}
