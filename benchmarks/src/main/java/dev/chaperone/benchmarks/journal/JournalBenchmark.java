package dev.chaperone.benchmarks.journal;

import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.Columns;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Facts;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.Repeated;
import dev.chaperone.recording.Rows;
import dev.chaperone.recording.Statement;
import dev.chaperone.sidecar.journal.Journal;
import dev.chaperone.sidecar.journal.SessionJournal;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Events per second that one session's journal sustains, on the disk of java.io.tmpdir. */
@State(Scope.Benchmark)
@BenchmarkMode({Mode.Throughput, Mode.SampleTime})
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class JournalBenchmark {
  private static final Repeated<Facts> FACTS =
      Repeated.of(
          new Facts(
              "Allow",
              1,
              Optional.of(new Facts.Rule("support/agents", "uid", 1, "reads")),
              "rule reads",
              List.of(new Facts.Access("Read", "SELECT", "public.pgbench_accounts", "Allow")),
              0,
              List.of()));

  private static final Repeated<Columns> COLUMNS =
      Repeated.of(new Columns(List.of(new Columns.Column("abalance", 23, false)), 0));

  private final byte[] text =
      "SELECT abalance FROM pgbench_accounts WHERE aid = 7654321;".getBytes(StandardCharsets.UTF_8);

  private final byte[] row = {0, 1, 0, 0, 0, 5, '1', '2', '3', '4', '5'};

  private Path directory;
  private Journal journal;
  private SessionJournal session;

  /** Begins a recording. */
  @Setup
  public void open() throws IOException {
    directory = Files.createTempDirectory("chaperone-journal");
    journal =
        new Journal(
            directory.resolve("recordings"), RecordingKey.generate(), new SimpleMeterRegistry());
    session =
        journal.open(
            new Event.SessionOpened(
                "benchmark",
                new Event.Identity("support", "agent", "uid", "agent", "", List.of()),
                "orders-db",
                new Event.Target("PostgreSQL", "127.0.0.1", 5432, "orders"),
                "benchmark",
                Optional.empty()),
            Duration.ofDays(1));
  }

  /** Ends it and says what an operation took. */
  @TearDown
  public void close() throws IOException {
    long operations = session.totals().operations();
    session.end("done");
    journal.close();
    long bytes = 0;
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        if (file.toString().endsWith(".seg")) {
          bytes += Files.size(file);
        }
        Files.delete(file);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    System.out.println(bytes / operations + " bytes per operation, " + operations + " operations");
  }

  /** One operation of pgbench -S: its request and its answer, two events. */
  @Benchmark
  @OperationsPerInvocation(2)
  public long operation() {
    long number = record();
    session.appendLate(
        new Event.OperationCompleted(
            number,
            List.of(
                new Event.Result(
                    "SELECT 1", COLUMNS, 1, Rows.of(Bytes.EMPTY, 1, row.clone(), row.length))),
            0,
            60,
            0,
            321,
            false,
            Optional.empty()));
    return number;
  }

  private long record() {
    while (true) {
      long number =
          session.append(
              new Event.OperationRequested(
                  1,
                  Event.Verdict.ALLOWED,
                  "",
                  FACTS,
                  Statement.of(text.clone(), false, false),
                  List.of(),
                  0,
                  "",
                  Optional.empty()));
      if (number > 0) {
        return number;
      }
      session.room().toCompletableFuture().join();
    }
  }
}
