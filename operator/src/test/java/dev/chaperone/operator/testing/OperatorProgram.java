package dev.chaperone.operator.testing;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** The operator as it is packaged, as a process of its own on free ports of the loopback. */
public final class OperatorProgram implements AutoCloseable {
  /** How long it may take to be ready, or to end. */
  public static final Duration PATIENCE = Duration.ofMinutes(2);

  private static final Path JAR =
      Path.of("target", "quarkus-app", "quarkus-run.jar").toAbsolutePath();

  /** What its image starts Java with. */
  private static final Path OPTIONS = Path.of("src", "main", "image", "java.options");

  /** Of its container, as the chart sets it, in MiB. */
  public static final int MEMORY_LIMIT = 512;

  private static final double TICKS_PER_SECOND = 100;
  private static final double KIBIBYTES_PER_MEBIBYTE = 1_024;

  private static final AtomicInteger STARTED = new AtomicInteger();

  private final HttpClient client = HttpClient.newHttpClient();
  private final Process process;
  private final Path log;
  private final int management;
  private final int webhooks;
  private final int channel;

  private OperatorProgram(Process process, Path log, int management, int webhooks, int channel) {
    this.process = process;
    this.log = log;
    this.management = management;
    this.webhooks = webhooks;
    this.channel = channel;
  }

  /**
   * Starts one.
   *
   * @param name of its pod, and in the name of its log
   * @param environment beside what every test says: who it is at the API server, for one
   */
  public static OperatorProgram start(
      TestCluster cluster, String name, Map<String, String> environment) throws IOException {
    return start(cluster, name, MEMORY_LIMIT, environment);
  }

  /**
   * Starts one with another limit.
   *
   * @param memoryLimit of its container, in MiB
   */
  public static OperatorProgram start(
      TestCluster cluster, String name, int memoryLimit, Map<String, String> environment)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:MaxRAM=" + memoryLimit + "m");
    command.addAll(options());
    command.addAll(List.of("-jar", JAR.toString()));
    int management = freePort();
    int webhooks = freePort();
    int channel = freePort();
    Path log =
        Path.of(
            "target", name + "-" + cluster.namespace() + "-" + STARTED.incrementAndGet() + ".log");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.to(log.toFile()));
    Map<String, String> all = builder.environment();
    all.put("CHAPERONE_NAMESPACE", cluster.namespace());
    all.put("CHAPERONE_POD", name);
    all.put("CHAPERONE_SIDECAR_IMAGE", "registry.example/sidecar:1");
    all.put("CHAPERONE_WEBHOOK_PORT", Integer.toString(webhooks));
    all.put("CHAPERONE_CHANNEL_PORT", Integer.toString(channel));
    all.put("CHAPERONE_CERTIFICATES_NAMES", "127.0.0.1");
    all.put("QUARKUS_HTTP_PORT", Integer.toString(management));
    // What Kubernetes puts into every pod of the namespace of the Service.
    all.put("CHAPERONE_OPERATOR_SERVICE_HOST", "10.0.0.1");
    all.put("CHAPERONE_OPERATOR_PORT", "tcp://10.0.0.1:443");
    all.putAll(environment);
    Process process = builder.start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
    return new OperatorProgram(process, log, management, webhooks, channel);
  }

  private static List<String> options() throws IOException {
    try (Stream<String> lines = Files.lines(OPTIONS)) {
      return lines
          .filter(line -> !line.startsWith("#"))
          .flatMap(line -> Stream.of(line.split(" +", -1)))
          .filter(option -> !option.isEmpty())
          .toList();
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /** What its management port answers. */
  public HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + management + path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** Waits until it takes requests. */
  public void awaitReady() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!isReady()) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        throw new AssertionError(log());
      }
      Thread.sleep(100);
    }
  }

  private boolean isReady() throws InterruptedException {
    try {
      return get("/health/ready").statusCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  /** The process. */
  public Process process() {
    return process;
  }

  /** What it has logged so far. */
  public String log() throws IOException {
    return Files.readString(log);
  }

  /** Where it answers the API server. */
  public int webhookPort() {
    return webhooks;
  }

  /** Where sidecars connect. */
  public int channelPort() {
    return channel;
  }

  /** The CPU time that it has used so far, in seconds, user and system. */
  public double cpuSeconds() throws IOException {
    String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
    // The second field is the program's name in parentheses, which may hold anything.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
  }

  /** Its resident memory now, in MiB. */
  public double rssMebibytes() throws IOException {
    return status("VmRSS:");
  }

  /** The most resident memory it ever had, in MiB. */
  public double peakMebibytes() throws IOException {
    return status("VmHWM:");
  }

  private double status(String field) throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
      return lines
          .filter(line -> line.startsWith(field))
          .mapToDouble(line -> Long.parseLong(line.replaceAll("\\D", "")) / KIBIBYTES_PER_MEBIBYTE)
          .findFirst()
          .orElseThrow(() -> new IOException("the operator has ended; see " + log));
    }
  }

  /** Ends it without a word, as a lost node does. */
  public void kill() {
    process.destroyForcibly();
    await();
  }

  /** Ends it as Kubernetes does. */
  @Override
  public void close() {
    process.destroy();
    if (!await()) {
      process.destroyForcibly();
    }
  }

  private boolean await() {
    try {
      return process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
