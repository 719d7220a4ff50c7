package dev.chaperone.sidecar.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.chaperone.recording.Event;
import dev.chaperone.recording.Facts;
import dev.chaperone.recording.RecordedEvent;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.SessionReader;
import dev.chaperone.recording.Statement;
import dev.chaperone.recording.Verification;
import dev.chaperone.recording.Verifier;
import dev.chaperone.recording.memory.JournalMemory;
import dev.chaperone.sidecar.testing.MemoryDirectory;
import dev.chaperone.sidecar.testing.SmallDisk;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class JournalTest {
  private static final RecordingKey KEY = RecordingKey.generate();

  @TempDir Path temporary;

  @TempDir(factory = MemoryDirectory.class)
  Path memory;

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private Path recordings;
  private Journal journal;

  @BeforeEach
  void open() throws IOException {
    recordings = memory.resolve("recordings");
    journal = new Journal(recordings, KEY, registry);
  }

  @AfterEach
  void close() throws IOException {
    journal.close();
    if (Files.isDirectory(recordings)) {
      JournalMemory.make(recordings).discard();
    }
  }

  @RepeatedTest(20)
  void aJournalThatIsClosedGivesItsMemoryBack() throws Exception {
    Path memory = JournalMemory.make(recordings).directory();
    SessionJournal ended = session("ended");
    SessionJournal open = session("open");
    for (int i = 0; i < 1_000; i++) {
      appendOrWait(ended, query(i));
      appendOrWait(open, query(i));
    }
    ended.end("done");
    assertThat(memory).isNotEmptyDirectory();
    journal.close();
    assertThat(memory).doesNotExist();
    assertThat(verify("ended").exitCode()).isZero();
    assertThat(verify("open").exitCode()).isEqualTo(4);
    assertThat(open.append(query(1))).isZero();
  }

  private SessionJournal session(String name) {
    return journal.open(opened(name), Duration.ofDays(30));
  }

  private static Event.SessionOpened opened(String name) {
    return new Event.SessionOpened(
        name,
        new Event.Identity("support", "agent-0", "uid", "agent", "", List.of()),
        "orders-db",
        new Event.Target("PostgreSQL", "127.0.0.1", 5432, "orders"),
        "1.0",
        Optional.empty());
  }

  private static Event query(byte[] text) {
    return new Event.OperationRequested(
        1,
        Event.Verdict.ALLOWED,
        "",
        Facts.NONE,
        Statement.of(text, false, false),
        List.of(),
        0,
        "",
        Optional.empty());
  }

  private static Event query(int number) {
    return query(("SELECT " + number).getBytes(StandardCharsets.UTF_8));
  }

  private Verification verify(String name) throws IOException {
    return Verifier.verify(recordings.resolve(name), KEY.publicKey(), Optional.empty());
  }

  /** All events, once those that are in memory are on the disk. */
  private List<RecordedEvent> events(SessionJournal session) throws Exception {
    session.durable(session.head().events()).toCompletableFuture().get(5, TimeUnit.SECONDS);
    return events(session.opened().session());
  }

  private List<RecordedEvent> events(String name) throws Exception {
    List<RecordedEvent> events = new ArrayList<>();
    try (SessionReader reader = new SessionReader(recordings.resolve(name))) {
      for (var event = reader.next(); event.isPresent(); event = reader.next()) {
        events.add(event.get());
      }
    }
    return events;
  }

  private static long appendOrWait(SessionJournal session, Event event) {
    while (true) {
      long number = session.append(event);
      if (number > 0) {
        return number;
      }
      assertThat(session.availability()).isEqualTo(Availability.AVAILABLE);
      session.room().toCompletableFuture().join();
    }
  }

  @Test
  void whatIsAppendedIsOnTheDiskWithinAMoment() throws Exception {
    SessionJournal session = session("s");
    long number = session.append(query(1));
    assertThat(number).isPositive();
    await()
        .atMost(Duration.ofMillis(500))
        .pollInterval(Duration.ofMillis(10))
        .until(() -> events("s").stream().anyMatch(event -> event.number() == number));
    assertThat(verify("s").exitCode()).isEqualTo(4);
  }

  @Test
  void whatIsAppendedOutlivesTheProcess() throws Exception {
    // The disk may have been as fast as the process: then the next one is killed.
    boolean aheadOfTheDisk = false;
    for (int attempt = 0; !aheadOfTheDisk && attempt < 20; attempt++) {
      String name = "killed-" + attempt;
      long number = appendAndBeKilled(name);
      aheadOfTheDisk = events(name).stream().noneMatch(event -> event.number() == number);
      journal.close();
      journal = new Journal(recordings, KEY, registry);
      assertThat(events(name)).anyMatch(event -> event.number() == number);
      assertThat(JournalMemory.make(recordings).directory().resolve(name)).doesNotExist();
    }
    assertThat(aheadOfTheDisk).isTrue();
  }

  private long appendAndBeKilled(String name) throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Appender.class.getName(),
                recordings.toString(),
                name)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var out = child.inputReader(StandardCharsets.UTF_8)) {
      return Long.parseLong(out.readLine());
    } finally {
      child.destroyForcibly().waitFor();
    }
  }

  /** Appends so much that the disk cannot have all of it, says how far it came, and waits. */
  static final class Appender {
    private Appender() {}

    public static void main(String[] arguments) throws Exception {
      Journal journal =
          new Journal(Path.of(arguments[0]), RecordingKey.generate(), new SimpleMeterRegistry());
      SessionJournal session = journal.open(opened(arguments[1]), Duration.ofDays(1));
      session.durable(session.head().events()).toCompletableFuture().get();
      long number = 0;
      for (int i = 0; i < 500; i++) {
        number = session.append(query(i));
      }
      System.out.println(number);
      System.out.flush();
      Runtime.getRuntime().halt(9);
    }
  }

  @Test
  void anEndedSessionIsSealedAndAsLongAsWhatWasWritten() throws Exception {
    SessionJournal session = session("s");
    session.append(query(1));
    session.end("done");
    journal.close();
    assertThat(verify("s").exitCode()).isZero();
    assertThat(Files.size(recordings.resolve("s/000001.seg"))).isLessThan(2_000);
    assertThat(session.append(query(2))).isZero();
  }

  @Test
  void severalThreadsAndSegmentsMakeOneChain() throws Exception {
    SessionJournal session = session("s");
    byte[] text = new byte[8 << 10];
    java.util.Arrays.fill(text, (byte) 'x');
    int each = 5_000;
    List<Thread> threads = new ArrayList<>();
    List<Throwable> failures = new java.util.concurrent.CopyOnWriteArrayList<>();
    for (int t = 0; t < 3; t++) {
      Thread thread =
          new Thread(
              () -> {
                for (int i = 0; i < each; i++) {
                  appendOrWait(session, query(text));
                }
              });
      thread.setUncaughtExceptionHandler((ended, failure) -> failures.add(failure));
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(failures).isEmpty();
    session.end("done");
    journal.close();
    Verification verification = verify("s");
    assertThat(verification).isInstanceOf(Verification.Sealed.class);
    assertThat(((Verification.Sealed) verification).segments()).isGreaterThan(1);
    assertThat(((Verification.Sealed) verification).totals().operations()).isEqualTo(3L * each);
    assertThat(events("s")).hasSize(3 * each + 2);
  }

  @Test
  void aRecordingIsValidAtEveryMomentItIsWritten() throws Exception {
    SessionJournal session = session("s");
    Thread writer =
        new Thread(
            () -> {
              for (int i = 0; i < 300_000 && !Thread.interrupted(); i++) {
                appendOrWait(session, query(i));
              }
            });
    writer.start();
    long last = 0;
    while (writer.isAlive()) {
      Verification verification = verify("s");
      assertThat(verification).isInstanceOf(Verification.Unsealed.class);
      long events = ((Verification.Unsealed) verification).head().events();
      assertThat(events).isGreaterThanOrEqualTo(last);
      last = events;
    }
    assertThat(last).isGreaterThan(1_000);
  }

  @Test
  void checkpointsFollowWithoutBeingAskedFor() throws Exception {
    SessionJournal session = session("s");
    for (int i = 0; i < 1_500; i++) {
      appendOrWait(session, query(i));
    }
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> assertThat(((Verification.Unsealed) verify("s")).tail()).isLessThan(1_000));
  }

  @Test
  void durableCompletesSoon() throws Exception {
    SessionJournal session = session("s");
    for (int i = 0; i < 50; i++) {
      session.durable(session.append(query(i))).toCompletableFuture().get(2, TimeUnit.SECONDS);
    }
    assertThat(registry.get("chaperone.recording.events").counter().count()).isGreaterThan(49);
    assertThat(registry.get("chaperone.recording.force").timer().count()).isGreaterThan(1);
  }

  @Test
  void aSessionNamesTheOneBeforeIt() throws Exception {
    SessionJournal first = session("first");
    first.append(query(1));
    var head = first.head();
    // As after a crash: nothing was closed. The recording stays as it is.
    first.durable(head.events()).toCompletableFuture().get(5, TimeUnit.SECONDS);
    SessionJournal second = session("second");
    Event.SessionOpened opened = (Event.SessionOpened) events(second).get(0).event();
    second.end("done");
    assertThat(opened.predecessor())
        .contains(new Event.Predecessor("first", head.events(), head.hash(), false));
    journal.close();
    assertThat(verify("second").exitCode()).isZero();
    assertThat(verify("first").exitCode()).isEqualTo(4);
    journal = new Journal(recordings, KEY, registry);
    SessionJournal third = session("third");
    opened = (Event.SessionOpened) events(third).get(0).event();
    assertThat(opened.predecessor().orElseThrow().session()).isEqualTo("second");
    assertThat(opened.predecessor().orElseThrow().sealed()).isTrue();
    third.end("done");
  }

  @Test
  void aSessionNamesTheEndOfOneThatIsNotOnTheDiskYet() throws Exception {
    SessionJournal first = session("first");
    for (int i = 0; i < 100; i++) {
      first.append(query(i));
    }
    first.end("done");
    SessionJournal second = session("second");
    Event.SessionOpened opened = (Event.SessionOpened) events(second).get(0).event();
    assertThat(opened.predecessor())
        .contains(new Event.Predecessor("first", first.head().events(), first.head().hash(), true));
  }

  @Test
  void aLongStatementIsRecordedWhole() throws Exception {
    SessionJournal session = session("s");
    byte[] text = new byte[Statement.MAX_BYTES];
    java.util.Arrays.fill(text, (byte) 'y');
    appendOrWait(session, query(text));
    appendOrWait(session, query(text));
    List<RecordedEvent> events = events(session);
    for (RecordedEvent event : events.subList(1, 3)) {
      assertThat(((Event.OperationRequested) event.event()).statement().value().text().length())
          .isEqualTo(text.length);
    }
  }

  @Test
  void recordingsAreTheOwnersAlone() throws Exception {
    session("s");
    assertThat(mode(recordings)).isEqualTo("rwx------");
    assertThat(mode(recordings.resolve("s"))).isEqualTo("rwx------");
    assertThat(mode(recordings.resolve("s/000001.seg"))).isEqualTo("rw-------");
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void whatIsOlderThanItsConnectionKeepsItIsDeletedAndNothingElse() throws Exception {
    for (String name : List.of("old", "young", "open")) {
      session(name).append(query(1));
    }
    journal.close();
    age("old", 40);
    age("open", 40);
    age("young", 20);
    Retention retention = new Retention(recordings);
    retention.clean(List.of());
    assertThat(recordings.resolve("old")).exists();
    retention.keep("support", "orders-db", Duration.ofDays(30));
    SessionJournal open =
        new SessionJournal(
            recordings.resolve("open"),
            JournalMemory.make(recordings),
            KEY,
            opened("open"),
            new JournalThreads(retention),
            new StoreLimit(),
            new JournalMetrics(registry, "orders-db"));
    retention.clean(List.of(open));
    assertThat(recordings.resolve("old")).doesNotExist();
    assertThat(recordings.resolve("young")).exists();
    assertThat(recordings.resolve("open")).exists();
  }

  private void age(String name, int days) throws IOException {
    FileTime time = FileTime.from(Instant.now().minus(Duration.ofDays(days)));
    for (String file : List.of("000001.seg", "key.pub.pem")) {
      Files.setLastModifiedTime(recordings.resolve(name).resolve(file), time);
    }
  }

  // ---- disks that fail

  @Test
  void aFullDiskIsToldAndNothingIsLostWhenItHasRoomAgain() throws Exception {
    try (SmallDisk disk = SmallDisk.mount(temporary.resolve("disk"), 4 << 10)) {
      journal.close();
      recordings = disk.directory().resolve("recordings");
      journal = new Journal(recordings, KEY, registry);
      SessionJournal session = session("s");
      disk.fill();
      byte[] text = new byte[10_000];
      java.util.Arrays.fill(text, (byte) 'z');
      long recorded = 0;
      while (session.availability() == Availability.AVAILABLE) {
        long number = session.append(query(text));
        if (number == 0) {
          session.room().toCompletableFuture().join();
        } else {
          recorded++;
        }
      }
      assertThat(session.availability()).isEqualTo(Availability.DISK_FULL);
      assertThat(session.append(query(1))).isZero();
      assertThat(registry.get("chaperone.recording.unavailable").gauge().value()).isOne();
      // The answer to what was forwarded before still has its room.
      assertThat(session.appendLate(new Event.ClientDisconnected(1, "late"))).isPositive();
      assertThat(verify("s").exitCode()).isEqualTo(4);

      session.skipped();
      session.skipped();
      disk.makeRoom();
      await()
          .atMost(Duration.ofSeconds(5))
          .until(() -> session.availability() == Availability.AVAILABLE);
      assertThat(session.append(query(2))).isPositive();
      List<RecordedEvent> events = events(session);
      Event.RecordingGap gap = (Event.RecordingGap) events.get(events.size() - 2).event();
      assertThat(gap.operations()).isEqualTo(2);
      assertThat(gap.others()).isZero();
      assertThat(gap.cause()).isEqualTo(Availability.DISK_FULL.message());
      assertThat(registry.get("chaperone.recording.gaps").counter().count()).isOne();
      session.end("done");
      journal.close();
      assertThat(((Verification.Sealed) verify("s")).totals().operations()).isEqualTo(recorded + 1);
    }
  }

  @Test
  void whatTheOperatorDoesNotStoreEndsTheRecordingAtTheBoundUntilItDoes() throws Exception {
    SessionJournal session = session("s");
    for (int i = 0; i < 1_000; i++) {
      appendOrWait(session, query(i));
    }
    assertThat(session.availability()).isEqualTo(Availability.AVAILABLE);
    journal.limitUnstored(10_000);
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> session.availability() == Availability.NOT_STORED);
    assertThat(session.append(query(1))).isZero();
    session.skipped();
    assertThat(registry.get("chaperone.recording.unstored.bytes").gauge().value())
        .isGreaterThan(10_000);
    journal.stored("s", 1 << 20);
    assertThat(session.availability()).isEqualTo(Availability.AVAILABLE);
    appendOrWait(session, query(1));
    assertThat(events(session))
        .anyMatch(
            event ->
                event.event() instanceof Event.RecordingGap gap
                    && gap.operations() == 1
                    && gap.cause().equals(Availability.NOT_STORED.message()));
    // What one replica has stored, another one does not take back.
    journal.stored("s", 0);
    assertThat(session.availability()).isEqualTo(Availability.AVAILABLE);
    journal.refusedByStore("s");
    assertThat(session.availability()).isEqualTo(Availability.NOT_STORED);
    journal.limitUnstored(0);
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> session.availability() == Availability.AVAILABLE);
  }

  @Test
  void aDirectoryThatCannotBeWrittenIsTakenWhenItCan() throws Exception {
    try (SmallDisk disk = SmallDisk.mount(temporary.resolve("disk"), 4 << 10)) {
      journal.close();
      recordings = disk.directory().resolve("recordings");
      journal = new Journal(recordings, KEY, registry);
      disk.readOnly(true);
      SessionJournal session = session("s");
      assertThat(session.availability()).isEqualTo(Availability.IO_ERROR);
      assertThat(session.append(query(1))).isZero();
      disk.readOnly(false);
      await()
          .atMost(Duration.ofSeconds(5))
          .until(() -> session.availability() == Availability.AVAILABLE);
      assertThat(session.append(query(1))).isPositive();
      assertThat(events(session)).hasSize(2);
    }
  }

  @Test
  void aDiskThatDoesNotAnswerMakesNobodyWait() throws Exception {
    try (SmallDisk disk = SmallDisk.mountFreezable(temporary.resolve("frozen"), 48)) {
      journal.close();
      recordings = disk.directory().resolve("recordings");
      journal = new Journal(recordings, KEY, registry);
      SessionJournal session = session("s");
      for (int i = 0; i < 1_000; i++) {
        appendOrWait(session, query(i));
      }
      Thread.sleep(500);
      disk.freeze();
      long longest = 0;
      long frozenAt = System.nanoTime();
      try {
        boolean refused = false;
        while (System.nanoTime() - frozenAt < TimeUnit.SECONDS.toNanos(4)) {
          long begin = System.nanoTime();
          refused |= session.append(query(7)) == 0;
          session.appendLate(new Event.ConfigurationChanged(1));
          longest = Math.max(longest, System.nanoTime() - begin);
          Thread.sleep(1);
        }
        assertThat(session.availability()).isEqualTo(Availability.TOO_SLOW);
        assertThat(refused).isTrue();
      } finally {
        disk.thaw();
      }
      System.out.println("longest append while frozen: " + longest / 1_000 + " us");
      // It is frozen for four seconds; what is left of these is the machine.
      assertThat(longest).isLessThan(TimeUnit.SECONDS.toNanos(1));
      await().atMost(Duration.ofSeconds(5)).until(() -> session.append(query(8)) > 0);
      session.end("done");
      journal.close();
      assertThat(verify("s").exitCode()).isZero();
    }
  }

  @Test
  void whoWaitsForAnEndedSessionIsToldWhenTheDiskDoesNotAnswer() throws Exception {
    try (SmallDisk disk = SmallDisk.mountFreezable(temporary.resolve("frozen"), 48)) {
      journal.close();
      recordings = disk.directory().resolve("recordings");
      journal = new Journal(recordings, KEY, registry);
      SessionJournal session = session("s");
      disk.freeze();
      try {
        var durable = session.durable(session.append(query(1))).toCompletableFuture();
        session.end("done");
        assertThatThrownBy(() -> durable.get(6, TimeUnit.SECONDS))
            .hasCauseInstanceOf(JournalUnavailableException.class);
      } finally {
        disk.thaw();
      }
      journal.close();
      assertThat(verify("s").exitCode()).isZero();
    }
  }

  @Test
  void aSegmentThatCannotBeMadeIsMadeWhenItCan() throws Exception {
    Path obstacle = recordings.resolve("s/000001.seg");
    Files.createDirectories(obstacle);
    SessionJournal session = session("s");
    assertThat(session.append(query(1))).isZero();
    await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> session.availability() == Availability.IO_ERROR);
    Thread.sleep(300);
    Files.delete(obstacle);
    await()
        .atMost(Duration.ofSeconds(5))
        .until(() -> session.availability() == Availability.AVAILABLE);
    assertThat(session.append(query(1))).isPositive();
    session.end("done");
    journal.close();
    assertThat(verify("s").exitCode()).isZero();
  }

  @Test
  void memoryThatIsCutOffIsNoCrash() throws Exception {
    SessionJournal session = session("s");
    session.append(query(1));
    Path window = JournalMemory.make(recordings).directory().resolve("s").resolve("window0");
    try (var channel =
        java.nio.channels.FileChannel.open(window, java.nio.file.StandardOpenOption.WRITE)) {
      channel.truncate(0);
    }
    try {
      assertThat(session.append(query(2))).isZero();
    } catch (InternalError e) {
      // The runtime may say so too, here or anywhere soon.
    }
    await()
        .atMost(Duration.ofSeconds(5))
        .ignoreExceptionsMatching(InternalError.class::isInstance)
        .until(() -> session.availability() == Availability.IO_ERROR);
    assertThat(session.append(query(3))).isZero();
    assertThat(
            org.assertj.core.api.Assertions.catchThrowable(
                () -> session.durable(2).toCompletableFuture().join()))
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(JournalUnavailableException.class);
  }
}
