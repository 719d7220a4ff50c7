package dev.chaperone.cli.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.cli.CommandRun;
import dev.chaperone.cli.examples.Transcript.Block;
import dev.chaperone.cli.examples.Transcript.Exchange;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A folder of an example that runs as its users run it: the launcher, and psql in front of it. */
final class Example implements AutoCloseable {
  private static final Path HOME = Path.of("..").toAbsolutePath().normalize();
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String END = "-- end of what came of it --";
  private static final Pattern CONNECTION =
      Pattern.compile("(?m)^kind: AgentConnection\\s+metadata:\\s+name: (\\S+)");
  private static final Pattern DATABASE = Pattern.compile("(?m)^    database: (\\S+)");
  private static final Pattern PENDING = Pattern.compile("(?m)^(\\S+)\\s+Pending");

  private final Process gateway;
  private final Path out;
  private final Path err;
  private final Path status;
  private final String database;
  private final Varying varying = new Varying();
  private final Set<String> decided = new HashSet<>();

  private Example(Process gateway, Path out, Path err, Path status, String database) {
    this.gateway = gateway;
    this.out = out;
    this.err = err;
    this.status = status;
    this.database = database;
  }

  /** The connections that a folder has. */
  static List<String> connections(Path folder) throws IOException {
    List<String> names = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList()) {
        CONNECTION.matcher(Files.readString(file)).results().forEach(m -> names.add(m.group(1)));
      }
    }
    return names;
  }

  /** The database that its target has. */
  static String database(Path folder) throws IOException {
    Matcher said = DATABASE.matcher(Files.readString(folder.resolve("connection.yaml")));
    assertThat(said.find()).as("a database in %s", folder).isTrue();
    return said.group(1);
  }

  /**
   * Starts the gateway.
   *
   * @param port where the target of all connections is
   * @param temporary for its output and status
   */
  static Example start(Path folder, int port, Path temporary) throws IOException {
    Path out = temporary.resolve("out");
    Path err = temporary.resolve("err");
    Path status = temporary.resolve("status");
    List<String> command =
        new ArrayList<>(
            List.of(
                HOME.resolve("chaperone").toString(),
                "run",
                "--free-ports",
                "--directory",
                folder.toString(),
                "--status",
                status.toString(),
                "--group",
                "dba=alice,bob",
                "--group",
                "oncall=carol"));
    for (String connection : connections(folder)) {
      command.addAll(List.of("--target", connection + "=127.0.0.1:" + port));
    }
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().put("CHAPERONE_BUILD", "never");
    Process gateway = builder.start();
    Example example = new Example(gateway, out, err, status, database(folder));
    await()
        .atMost(PATIENCE)
        .until(() -> Files.readString(out).endsWith("ready\n") || !gateway.isAlive());
    assertThat(gateway.isAlive()).as(Files.readString(err)).isTrue();
    return example;
  }

  Path status() {
    return status;
  }

  private int port(String connection) throws IOException {
    Matcher line =
        Pattern.compile("(?m)^" + connection + ": PostgreSQL on 127\\.0\\.0\\.1:(\\d+)")
            .matcher(Files.readString(out));
    assertThat(line.find()).as("%s in %s", connection, Files.readString(out)).isTrue();
    return Integer.parseInt(line.group(1));
  }

  /**
   * Types what the page says, and returns the same blocks with what came of it. What waits for
   * approval meanwhile is decided by the block for approvers that follows.
   */
  List<Block> type(List<Block> blocks) throws Exception {
    List<Block> came = new ArrayList<>();
    Deque<Block> left = new ArrayDeque<>(blocks);
    while (!left.isEmpty()) {
      Block block = left.removeFirst();
      assertThat(block.isForApprovers()).as("nobody waits for %s", block).isFalse();
      List<Block> decisions = new ArrayList<>();
      Process psql = psql(block.where(), block.exchanges());
      CompletableFuture<String> output = CompletableFuture.supplyAsync(() -> output(psql));
      while (!output.isDone()) {
        waiting()
            .ifPresent(
                request -> {
                  assertThat(left).as("%s waits and nobody decides", request).isNotEmpty();
                  decisions.add(decide(request, left.removeFirst()));
                });
        psql.waitFor(50, TimeUnit.MILLISECONDS);
      }
      came.add(block.with(split(output.get(), block.exchanges().size())));
      came.addAll(decisions);
    }
    return came;
  }

  private Process psql(String connection, List<Exchange> exchanges) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
                "psql", "-X", "-h", "127.0.0.1", "-p", "" + port(connection), "-U", "agent")
            .redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
    builder.environment().put("LC_ALL", "C");
    builder.environment().put("PGDATABASE", database);
    Process psql = builder.start();
    StringBuilder script = new StringBuilder();
    exchanges.forEach(
        one -> script.append(one.input()).append("\n\\echo '").append(END).append("'\n"));
    try (var input = psql.outputWriter(UTF_8)) {
      input.write(script.toString());
    } catch (IOException e) {
      // It was not let in, and says so.
    }
    return psql;
  }

  private static String output(Process psql) {
    try {
      return new String(psql.getInputStream().readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<String> split(String output, int count) {
    List<String> parts = new ArrayList<>(List.of(output.split(END + "\n", -1)));
    if (parts.size() == 1) {
      // It was not let in: nothing came of all of them but this.
      parts.addAll(Collections.nCopies(count, ""));
    }
    assertThat(parts).as(output).hasSize(count + 1);
    assertThat(parts.get(count)).isEmpty();
    return parts.subList(0, count).stream().map(varying::shown).toList();
  }

  /** What waits and was not decided yet. */
  private Optional<String> waiting() {
    String requests = CommandRun.of("requests", "--status", status.toString()).output();
    return PENDING
        .matcher(requests)
        .results()
        .map(found -> found.group(1))
        .filter(decided::add)
        .findFirst();
  }

  private Block decide(String request, Block block) {
    assertThat(block.isForApprovers()).as("%s waits and nobody decides", request).isTrue();
    varying.request(request);
    List<String> outputs = new ArrayList<>();
    for (Exchange exchange : block.exchanges()) {
      CommandRun run = CommandRun.of(words(exchange.input(), request));
      assertThat(run.exitCode()).as(run.errors()).isZero();
      outputs.add(varying.shown(run.output()));
    }
    return block.with(outputs);
  }

  /** As a shell would split them, of which pages use spaces and double quotes. */
  private String[] words(String line, String request) {
    return Pattern.compile("\"([^\"]*)\"|(\\S+)")
        .matcher(line)
        .results()
        .map(word -> word.group(1) == null ? word.group(2) : word.group(1))
        .map(word -> word.equals("REQUEST") ? request : word)
        .map(word -> word.equals("status") ? status.toString() : word)
        .skip(1)
        .toArray(String[]::new);
  }

  @Override
  public void close() throws InterruptedException, IOException {
    gateway.destroy();
    assertThat(gateway.waitFor(30, TimeUnit.SECONDS)).as(Files.readString(err)).isTrue();
  }
}
