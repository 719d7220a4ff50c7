package dev.chaperone.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.chaperone.recording.Event;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordedEvent;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.SessionReader;
import dev.chaperone.recording.Verification;
import dev.chaperone.recording.Verifier;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Kills the gateway, as the kernel would, while clients write through it, again and again: what the
 * target executed is in the recording, the recording verifies, and the next run goes on from it.
 */
@Tag("long")
class CrashIT {
  private static final int KILLS = 50;

  /** Gateways that are killed at the same time; a start takes most of the time. */
  private static final int LANES = 2;

  private static final int CLIENTS = 3;
  private static final int PIPELINED = 8;
  private static final Pattern INSERT = Pattern.compile("INSERT INTO log VALUES \\((\\d+), .*");

  @TempDir Path temporary;

  private final AtomicInteger ids = new AtomicInteger();

  @Test
  @Timeout(600)
  void nothingIsExecutedWithoutItsRecord() throws Exception {
    TestPostgres server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    ExecutorService threads = Executors.newFixedThreadPool(LANES);
    try {
      List<Future<Integer>> lanes = new ArrayList<>();
      for (int lane = 0; lane < LANES; lane++) {
        lanes.add(threads.submit(new Lane(server, lane)));
      }
      int executed = 0;
      for (Future<Integer> lane : lanes) {
        executed += lane.get();
      }
      System.out.println(KILLS + " kills, " + executed + " operations executed, all recorded");
      // A load that never got anywhere would prove nothing.
      assertThat(executed).isGreaterThan(KILLS * 20);
    } finally {
      threads.shutdownNow();
    }
  }

  /** One gateway after the other, in one status directory. */
  private final class Lane implements Callable<Integer> {
    private final TestPostgres server;
    private final String name;
    private final Random random;
    private final Path directory;
    private final Path status;
    private final Path out;

    Lane(TestPostgres server, int number) throws IOException {
      this.server = server;
      this.name = "lane" + number;
      this.random = new Random(number);
      this.directory = Files.createDirectory(temporary.resolve(name));
      this.status = temporary.resolve(name + "-status");
      this.out = temporary.resolve(name + "-out");
      GatewayUnderTest.writeConfiguration(directory, server.port(), "");
      GatewayUnderTest.writeSecret(directory, TestPostgres.USER, TestPostgres.PASSWORD);
      GatewayUnderTest.writePolicy(directory, GatewayUnderTest.ALL_BUT_DENIED);
    }

    @Override
    public Integer call() throws Exception {
      int executed = 0;
      Optional<Killed> killed = Optional.empty();
      Optional<Event.Predecessor> predecessor = Optional.empty();
      for (int i = 0; i <= KILLS / LANES; i++) {
        Set<Path> before = sessions();
        Process gateway = start();
        try {
          if (killed.isPresent()) {
            // What was in memory when its gateway died is on the disk by now.
            predecessor = Optional.of(check(killed.get().recording(), predecessor));
            assertThat(recorded(killed.get().recording()))
                .as("run %d", i)
                .containsAll(killed.get().executed());
            executed += killed.get().executed().size();
          }
          String writer = name + "-" + i;
          load(writer, gateway);
          Set<Path> after = sessions();
          after.removeAll(before);
          assertThat(after).hasSize(1);
          killed = Optional.of(new Killed(after.iterator().next(), executed(writer)));
        } finally {
          gateway.destroyForcibly().waitFor();
        }
      }
      return executed;
    }

    /** What a gateway that was killed left, and what the target executed of it. */
    private record Killed(Path recording, Set<Integer> executed) {}

    private Set<Path> sessions() throws IOException {
      Path recordings = status.resolve("recordings");
      return Files.isDirectory(recordings)
          ? new HashSet<>(SessionFiles.sessions(recordings))
          : new HashSet<>();
    }

    private Process start() throws IOException {
      String classPath =
          Stream.of(
                  System.getProperty(
                          "surefire.test.class.path", System.getProperty("java.class.path"))
                      .split(File.pathSeparator))
              .filter(entry -> !entry.contains("slf4j"))
              .collect(Collectors.joining(File.pathSeparator));
      List<String> command =
          new ArrayList<>(
              List.of(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-XX:TieredStopAtLevel=1",
                  "-XX:+UseSerialGC",
                  "-Xshare:auto",
                  "-cp",
                  classPath));
      if (Runtime.version().feature() >= 23) {
        command.add("--sun-misc-unsafe-memory-access=allow");
        command.add("--enable-native-access=ALL-UNNAMED");
      }
      command.addAll(
          List.of(
              "dev.chaperone.sidecar.Main",
              "--directory",
              directory.toString(),
              "--status",
              status.toString(),
              "--free-ports"));
      Files.deleteIfExists(out);
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(out.toFile())
              .redirectError(temporary.resolve(name + "-err").toFile())
              .start();
      await()
          .atMost(Duration.ofSeconds(60))
          .pollInterval(Duration.ofMillis(10))
          .until(() -> Files.readString(out).endsWith("ready\n") || !process.isAlive());
      assertThat(process.isAlive()).isTrue();
      return process;
    }

    private int port() throws IOException {
      Matcher line =
          Pattern.compile("orders-db: PostgreSQL on 127\\.0\\.0\\.1:(\\d+)")
              .matcher(Files.readString(out));
      assertThat(line.find()).isTrue();
      return Integer.parseInt(line.group(1));
    }

    /** Clients write as fast as they can until the gateway dies under them. */
    private void load(String writer, Process gateway) throws Exception {
      int port = port();
      List<Thread> clients = new ArrayList<>();
      AtomicInteger begun = new AtomicInteger();
      for (int i = 0; i < CLIENTS; i++) {
        boolean extended = i % 2 == 1;
        Thread client = new Thread(() -> write(port, writer, extended, begun));
        client.start();
        clients.add(client);
      }
      await().atMost(Duration.ofSeconds(30)).until(() -> begun.get() > 0);
      Thread.sleep(random.nextInt(150));
      gateway.destroyForcibly().waitFor();
      for (Thread client : clients) {
        client.join();
      }
    }

    private void write(int port, String writer, boolean extended, AtomicInteger begun) {
      try (WireClient client = WireClient.connect(port)) {
        client.logIn("whoever", TestPostgres.DATABASE);
        if (extended) {
          client.exchange(
              WireClient.parse("i", "INSERT INTO log VALUES ($1, $2)"), WireClient.sync());
        }
        while (true) {
          List<byte[]> messages = new ArrayList<>();
          for (int i = 0; i < PIPELINED; i++) {
            int id = ids.incrementAndGet();
            if (extended) {
              messages.add(WireClient.bind("", "i", Integer.toString(id), writer));
              messages.add(WireClient.execute("", 0));
              messages.add(WireClient.sync());
            } else {
              messages.add(
                  WireClient.query("INSERT INTO log VALUES (" + id + ", '" + writer + "')"));
            }
          }
          client.send(messages);
          for (int i = 0; i < PIPELINED; i++) {
            if (client.readToReady().isEmpty()) {
              return;
            }
          }
          begun.incrementAndGet();
        }
      } catch (IOException e) {
        // The gateway is dead.
      }
    }

    /** What the target executed, once nobody works for this gateway any more. */
    private Set<Integer> executed(String writer) {
      await()
          .atMost(Duration.ofSeconds(30))
          .until(
              () ->
                  server
                      .query(
                          "SELECT pid FROM pg_stat_activity WHERE query LIKE '%"
                              + writer
                              + "%'"
                              + " AND state = 'active' AND pid <> pg_backend_pid()")
                      .isEmpty());
      return server.query("SELECT n FROM log WHERE who = '" + writer + "'").stream()
          .map(Integer::valueOf)
          .collect(Collectors.toSet());
    }

    private Set<Integer> recorded(Path recording) throws Exception {
      Set<Integer> recorded = new HashSet<>();
      try (SessionReader reader = new SessionReader(recording)) {
        for (var next = reader.next(); next.isPresent(); next = reader.next()) {
          id(next.get()).ifPresent(recorded::add);
        }
      }
      return recorded;
    }

    private Optional<Integer> id(RecordedEvent recorded) {
      if (!(recorded.event() instanceof Event.OperationRequested asked)
          || asked.verdict() != Event.Verdict.ALLOWED) {
        return Optional.empty();
      }
      String text = asked.statement().value().text().text().orElseThrow();
      Matcher simple = INSERT.matcher(text);
      if (simple.matches()) {
        return Optional.of(Integer.valueOf(simple.group(1)));
      }
      return asked.parameters().isEmpty()
          ? Optional.empty()
          : asked.parameters().get(0).bytes().text().map(Integer::valueOf);
    }

    /** The recording is valid and unsealed, and names the one before it. */
    private Event.Predecessor check(Path recording, Optional<Event.Predecessor> expected)
        throws Exception {
      Verification verification =
          Verifier.verify(
              recording,
              PublicKeyFile.read(recording.resolve(PublicKeyFile.NAME)),
              Optional.empty());
      assertThat(verification).isInstanceOf(Verification.Unsealed.class);
      Head head = ((Verification.Unsealed) verification).head();
      try (SessionReader reader = new SessionReader(recording)) {
        Event.SessionOpened opened = (Event.SessionOpened) reader.next().orElseThrow().event();
        assertThat(opened.predecessor()).isEqualTo(expected);
        return new Event.Predecessor(opened.session(), head.events(), head.hash(), false);
      }
    }
  }
}
