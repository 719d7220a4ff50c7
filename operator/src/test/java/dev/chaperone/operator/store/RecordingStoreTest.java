package dev.chaperone.operator.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.operator.channel.SidecarPod;
import dev.chaperone.operator.store.RecordingStore.Extent;
import dev.chaperone.recording.BrokenRecordingException;
import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.CountersignatureReader;
import dev.chaperone.recording.Position;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.RecordingPiece;
import dev.chaperone.recording.Verification;
import dev.chaperone.recording.Verifier;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordingStoreTest {
  private static final RecordingKey KEY = RecordingKey.generate();
  private static final SidecarPod POD =
      new SidecarPod("support", "agent-0", "uid-0", "support-agent");
  private static final StoredSession SESSION = new StoredSession(POD, "orders-1");
  private static final long MEBIBYTE = 1 << 20;

  @TempDir Path temporary;
  private Path volume;
  private RecordingStore store;
  private TestRecording sent;

  @BeforeEach
  void open() throws IOException {
    volume = temporary.resolve("volume");
    store = RecordingStore.open(settings(8 * MEBIBYTE, 4 * MEBIBYTE));
    sent = new TestRecording(temporary.resolve("sidecar"), POD, "orders-1", KEY);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private StoreSettings settings(long most, long ofPod) {
    return new StoreSettings(volume, "chaperone-operator-0", most, ofPod, MEBIBYTE);
  }

  private void reopen() throws IOException {
    store.close();
    store = RecordingStore.open(settings(8 * MEBIBYTE, 4 * MEBIBYTE));
  }

  private Extent begin() throws Exception {
    return store.begin(SESSION, KEY.publicKey(), Optional.empty());
  }

  private Extent store(RecordingPiece piece) throws Exception {
    return store.store(SESSION, KEY.publicKey(), piece.at(), piece.content());
  }

  /** Stores all that is there. */
  private Extent storeAll() throws Exception {
    Extent extent = begin();
    while (true) {
      RecordingPiece piece = RecordingPiece.read(sent.directory(), extent.position());
      if (piece.content().length() == 0) {
        return extent;
      }
      extent = store(piece);
    }
  }

  private Path stored() {
    return volume.resolve("uid-0").resolve("orders-1");
  }

  private Verification verify() throws IOException {
    return Verifier.verify(stored(), KEY.publicKey(), Optional.of(sent.head().hash()));
  }

  private static void flip(Path file, int at) throws IOException {
    byte[] content = Files.readAllBytes(file);
    content[at] ^= 1;
    Files.write(file, content);
  }

  @Test
  void whatIsStoredIsWhatTheSidecarWroteAndVerifies() throws Exception {
    sent.queries(2_000, "SELECT ").nextSegment().queries(10, "DELETE ").seal();
    Extent extent = storeAll();
    assertThat(extent.sealed()).isTrue();
    assertThat(extent.head()).isEqualTo(sent.head());
    assertThat(verify().exitCode()).isZero();
    assertThat(store.location(SESSION)).isEqualTo("chaperone-operator-0:uid-0/orders-1");
    assertThat(Files.readString(stored().resolve("key.pub.pem"))).isEqualTo(KEY.publicKey().pem());
    try (Stream<Path> all = Files.walk(volume)) {
      assertThat(all.filter(Files::isRegularFile))
          .allSatisfy(file -> assertThat(Files.getPosixFilePermissions(file)).hasSize(2));
    }
  }

  @Test
  void aRecordingGoesOnAfterTheOperatorWasStartedAnew() throws Exception {
    for (int i = 0; i < 5; i++) {
      if (i % 2 == 1) {
        sent.nextSegment();
      }
      sent.queries(50, "SELECT ");
      assertThat(storeAll().head()).isEqualTo(sent.head());
      reopen();
      assertThat(begin().head()).isEqualTo(sent.head());
    }
    assertThat(verify().exitCode()).isEqualTo(4);
  }

  @Test
  void aPieceThatWasBeingWrittenWhenTheOperatorWasKilledIsDroppedAndComesAgain() throws Exception {
    sent.queries(20, "SELECT ");
    Extent before = storeAll();
    sent.queries(20, "SELECT ");
    RecordingPiece piece = RecordingPiece.read(sent.directory(), before.position());
    byte[] content = piece.content().toArray();
    Path file = stored().resolve("000001.seg");
    for (int written : new int[] {1, 4, 60, content.length / 2, content.length - 1}) {
      store.close();
      Files.write(file, Arrays.copyOf(content, written), StandardOpenOption.APPEND);
      store = RecordingStore.open(settings(8 * MEBIBYTE, 4 * MEBIBYTE));
      Extent now = begin();
      assertThat(Files.size(file)).isEqualTo(now.position().offset());
      assertThat(now.head().events()).isGreaterThanOrEqualTo(before.head().events());
      Files.write(file, Arrays.copyOf(Files.readAllBytes(file), (int) before.bytes()));
      reopen();
    }
    assertThat(storeAll().head()).isEqualTo(sent.head());
    assertThat(verify().exitCode()).isEqualTo(4);
  }

  @Test
  void aRecordingThatWasChangedInTheStoreIsNeitherRepairedNorGoneOnWith() throws Exception {
    sent.queries(4_000, "SELECT ");
    storeAll();
    store.close();
    Path file = stored().resolve("000001.seg");
    flip(file, 5_000);
    long size = Files.size(file);
    store = RecordingStore.open(settings(8 * MEBIBYTE, 4 * MEBIBYTE));
    assertThatThrownBy(this::begin)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the store was changed");
    assertThat(Files.size(file)).isEqualTo(size);
  }

  @Test
  void nothingOfAPieceThatDoesNotVerifyIsStored() throws Exception {
    sent.queries(20, "SELECT ");
    Extent before = storeAll();
    sent.queries(20, "SELECT ");
    RecordingPiece piece = RecordingPiece.read(sent.directory(), before.position());
    byte[] content = piece.content().toArray();
    content[content.length - 40] ^= 1;
    assertThatThrownBy(() -> store(new RecordingPiece(piece.at(), Bytes.of(content), false)))
        .isInstanceOf(BrokenRecordingException.class);
    assertThat(Files.size(stored().resolve("000001.seg"))).isEqualTo(before.bytes());
    // Cut off, replayed, at another place.
    assertThatThrownBy(
            () ->
                store(
                    new RecordingPiece(
                        piece.at(), Bytes.of(Arrays.copyOf(content, content.length / 2)), false)))
        .isInstanceOf(BrokenRecordingException.class);
    assertThatThrownBy(() -> store(RecordingPiece.read(sent.directory(), Position.START)))
        .isInstanceOf(BrokenRecordingException.class);
    assertThatThrownBy(
            () ->
                store(
                    new RecordingPiece(
                        new Position(1, before.bytes() + 4), piece.content(), false)))
        .isInstanceOf(BrokenRecordingException.class);
    assertThat(begin().position()).isEqualTo(before.position());
    // What is right is taken all the same.
    assertThat(store(piece).head()).isEqualTo(sent.head());
  }

  @Test
  void aSidecarCannotWriteItsPastAnew() throws Exception {
    sent.queries(20, "DROP TABLE ");
    Extent before = storeAll();
    TestRecording other = new TestRecording(temporary.resolve("other"), POD, "orders-1", KEY);
    other.queries(20, "SELECT 1 + ").queries(20, "SELECT ");
    byte[] rewritten = Files.readAllBytes(other.directory().resolve("000001.seg"));
    int end = (int) before.bytes();
    assertThatThrownBy(
            () ->
                store.store(
                    SESSION,
                    KEY.publicKey(),
                    before.position(),
                    Bytes.of(Arrays.copyOfRange(rewritten, end, rewritten.length))))
        .isInstanceOf(BrokenRecordingException.class);
    // Nor on another replica, which has nothing of it.
    Path second = temporary.resolve("second");
    try (RecordingStore elsewhere =
        RecordingStore.open(
            new StoreSettings(second, "chaperone-operator-1", MEBIBYTE, MEBIBYTE, MEBIBYTE))) {
      assertThat(elsewhere.begin(SESSION, KEY.publicKey(), Optional.of(before.head())).position())
          .isEqualTo(Position.START);
      assertThatThrownBy(
              () -> elsewhere.store(SESSION, KEY.publicKey(), Position.START, Bytes.of(rewritten)))
          .isInstanceOf(BrokenRecordingException.class)
          .hasMessage("it is not what was stored of this session before");
    }
  }

  @Test
  void aRecordingOfAnotherPodSessionOrKeyIsNotStored() throws Exception {
    RecordingPiece piece = RecordingPiece.read(sent.directory(), Position.START);
    SidecarPod other = new SidecarPod("support", "agent-1", "uid-1", "support-agent");
    assertThatThrownBy(
            () ->
                store.store(
                    new StoredSession(other, "orders-1"),
                    KEY.publicKey(),
                    Position.START,
                    piece.content()))
        .isInstanceOf(ForeignRecordingException.class);
    assertThatThrownBy(
            () ->
                store.store(
                    new StoredSession(POD, "orders-2"),
                    KEY.publicKey(),
                    Position.START,
                    piece.content()))
        .isInstanceOf(BrokenRecordingException.class);
    assertThatThrownBy(
            () ->
                store.store(
                    SESSION, RecordingKey.generate().publicKey(), Position.START, piece.content()))
        .isInstanceOf(BrokenRecordingException.class);
    assertThat(store.sessions()).isEmpty();
    assertThatThrownBy(() -> new StoredSession(POD, "../uid-1"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new StoredSession(new SidecarPod("a", "b", "../x", "c"), "orders-1"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aFullStoreTakesNothingAndGoesOnWhenThereIsRoom() throws Exception {
    store.close();
    store = RecordingStore.open(settings(100_000, 60_000));
    sent.queries(2_000, "SELECT ");
    assertThatThrownBy(this::storeAll)
        .isInstanceOf(StoreFullException.class)
        .hasMessageContaining("the pod has filled its part");
    Extent full = begin();
    assertThat(full.bytes()).isBetween(0L, 60_000L);
    SidecarPod second = new SidecarPod("support", "agent-1", "uid-1", "support-agent");
    TestRecording other = new TestRecording(temporary.resolve("b"), second, "orders-1", KEY);
    RecordingPiece small = RecordingPiece.read(other.directory(), Position.START);
    StoredSession session = new StoredSession(second, "orders-1");
    assertThat(store.store(session, KEY.publicKey(), small.at(), small.content()).bytes())
        .isEqualTo(small.content().length());
    store.close();
    store = RecordingStore.open(settings(store.bytes(), 4 * MEBIBYTE));
    other.queries(1, "SELECT ");
    assertThatThrownBy(
            () -> {
              Position at = new Position(1, small.content().length());
              store.store(
                  session,
                  KEY.publicKey(),
                  at,
                  RecordingPiece.read(other.directory(), at).content());
            })
        .isInstanceOf(StoreFullException.class)
        .hasMessageContaining("the store is full");
    reopen();
    assertThat(storeAll().head()).isEqualTo(sent.head());
  }

  @Test
  void whatIsOlderThanItsConnectionKeepsItIsDeletedAndNothingElse() throws Exception {
    sent.queries(10, "SELECT ").seal();
    storeAll();
    TestRecording fresh = new TestRecording(temporary.resolve("f"), POD, "orders-2", KEY);
    RecordingPiece piece = RecordingPiece.read(fresh.directory(), Position.START);
    store.store(new StoredSession(POD, "orders-2"), KEY.publicKey(), piece.at(), piece.content());
    for (String file : new String[] {"000001.seg", "key.pub.pem"}) {
      Files.setLastModifiedTime(
          stored().resolve(file), FileTime.from(Instant.now().minus(Duration.ofDays(31))));
    }
    try (StoreRetention none =
        new StoreRetention(store, (namespace, name) -> Optional.empty(), Clock.systemUTC())) {
      none.clean();
      assertThat(store.sessions()).as("of a connection that is gone").hasSize(2);
    }
    try (StoreRetention month =
        new StoreRetention(
            store,
            (namespace, name) ->
                namespace.equals("support") && name.equals("orders")
                    ? Optional.of(Duration.ofDays(30))
                    : Optional.empty(),
            Clock.systemUTC())) {
      month.clean();
    }
    assertThat(store.sessions()).containsExactly(volume.resolve("uid-0").resolve("orders-2"));
    long left = store.bytes();
    assertThat(left).isLessThan(40_000);
    reopen();
    assertThat(store.bytes()).isEqualTo(left);
  }

  @Test
  void aKeyThatWasHalfWrittenWhenTheOperatorWasKilledIsWrittenAnew() throws Exception {
    Files.createDirectories(stored());
    Files.writeString(stored().resolve("key.pub.pem"), "-----BEGIN PUB");
    reopen();
    sent.queries(10, "SELECT ");
    storeAll();
    assertThat(Files.readString(stored().resolve("key.pub.pem"))).isEqualTo(KEY.publicKey().pem());
  }

  @Test
  void manyShortFilesFillThePartOfAPodToo() throws Exception {
    store.close();
    store = RecordingStore.open(settings(8 * MEBIBYTE, MEBIBYTE));
    for (int i = 0; i < 100; i++) {
      sent.queries(1, "SELECT ").nextSegment();
    }
    assertThatThrownBy(this::storeAll)
        .isInstanceOf(StoreFullException.class)
        .hasMessageContaining("the pod has filled its part");
  }

  @Test
  void aVolumeIsOfOneProcess() {
    assertThatThrownBy(() -> RecordingStore.open(settings(MEBIBYTE, MEBIBYTE)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is in use by another process");
  }

  private static final RecordingKey STORE_KEY = RecordingKey.generate();

  private boolean countersign() throws Exception {
    return store.countersign(SESSION, KEY.publicKey(), STORE_KEY, Instant.now());
  }

  private Verification verifyCountersigned() throws IOException {
    return Verifier.verify(
        stored(), KEY.publicKey(), Optional.empty(), List.of(STORE_KEY.publicKey()));
  }

  @Test
  void whatIsStoredIsCountersignedOnceForEachHeadAndVerifies() throws Exception {
    assertThat(countersign()).as("nothing is stored").isFalse();
    for (int i = 0; i < 4; i++) {
      if (i == 2) {
        sent.nextSegment();
      }
      sent.queries(20, "SELECT ");
      storeAll();
      assertThat(countersign()).isTrue();
      assertThat(countersign()).isFalse();
      if (i % 2 == 1) {
        reopen();
        assertThat(countersign()).as("after a restart").isFalse();
      }
    }
    assertThat(verifyCountersigned().exitCode()).isEqualTo(4);
    assertThat(((Verification.Unsealed) verifyCountersigned()).notes().get(0))
        .startsWith(
            "the store has countersigned 4 heads, the last of event "
                + sent.head().events()
                + " at ")
        .endsWith("; 0 events stand behind it");
    assertThat(Files.getPosixFilePermissions(heads())).hasSize(2);
  }

  private Path heads() {
    return stored().resolve("countersigned.heads");
  }

  @Test
  void aCountersignatureThatWasBeingWrittenWhenTheOperatorWasKilledIsWrittenAnew()
      throws Exception {
    sent.queries(20, "SELECT ");
    storeAll();
    countersign();
    byte[] whole = Files.readAllBytes(heads());
    sent.queries(20, "SELECT ");
    storeAll();
    for (int written : new int[] {1, 7, 8, 100, whole.length - 1}) {
      store.close();
      Files.write(heads(), whole);
      Files.write(heads(), Arrays.copyOf(whole, written), StandardOpenOption.APPEND);
      store = RecordingStore.open(settings(8 * MEBIBYTE, 4 * MEBIBYTE));
      assertThat(countersign()).isTrue();
      assertThat(verifyCountersigned().exitCode()).isEqualTo(4);
    }
  }

  @Test
  void aStoreThatHasLessThanItCountersignedIsNotGoneOnWith() throws Exception {
    sent.queries(20, "SELECT ");
    Extent before = storeAll();
    sent.queries(20, "DROP TABLE ");
    storeAll();
    countersign();
    store.close();
    Path file = stored().resolve("000001.seg");
    Files.write(file, Arrays.copyOf(Files.readAllBytes(file), (int) before.bytes()));
    assertThat(Verifier.verify(stored(), KEY.publicKey(), Optional.empty()).exitCode())
        .as("without the store's key")
        .isEqualTo(4);
    assertThat(verifyCountersigned().exitCode()).isEqualTo(1);
    store = RecordingStore.open(settings(8 * MEBIBYTE, 4 * MEBIBYTE));
    assertThatThrownBy(this::begin)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("less than what was countersigned");
  }

  @Test
  void countersignaturesThatWereChangedAreNotWrittenOver() throws Exception {
    sent.queries(20, "SELECT ");
    storeAll();
    countersign();
    flip(heads(), 3);
    byte[] changed = Files.readAllBytes(heads());
    sent.queries(20, "SELECT ");
    store.close();
    store = RecordingStore.open(settings(8 * MEBIBYTE, 4 * MEBIBYTE));
    assertThatThrownBy(this::countersign)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the store was changed");
    assertThat(Files.readAllBytes(heads())).isEqualTo(changed);
  }

  private StoreMetrics metrics(SimpleMeterRegistry registry) {
    return new StoreMetrics(registry, store, store.settings());
  }

  private long countersigned() throws Exception {
    long count = 0;
    try (CountersignatureReader reader = new CountersignatureReader(heads())) {
      while (reader.next().isPresent()) {
        count++;
      }
    }
    return count;
  }

  @Test
  void manyPiecesInAShortTimeAreCountersignedAtTheBeginningAndAtTheSealAndAtTheEnd()
      throws Exception {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (Countersigner countersigner =
        new Countersigner(
            store,
            () -> Optional.of(STORE_KEY),
            Clock.systemUTC(),
            Duration.ofHours(1),
            metrics(registry))) {
      for (int i = 0; i < 10; i++) {
        sent.queries(5, "SELECT ");
        countersigner.stored(SESSION, KEY.publicKey(), storeAll());
        assertThat(countersigned()).isEqualTo(1);
      }
      sent.seal();
      countersigner.stored(SESSION, KEY.publicKey(), storeAll());
      assertThat(countersigned()).isEqualTo(2);
    }
    assertThat(verifyCountersigned().exitCode()).isZero();
    assertThat(registry.counter("chaperone.store.countersigned").count()).isEqualTo(2);
  }

  @Test
  void whatWaitsIsCountersignedWhenTheOperatorStops() throws Exception {
    try (Countersigner countersigner =
        new Countersigner(
            store,
            () -> Optional.of(STORE_KEY),
            Clock.systemUTC(),
            Duration.ofHours(1),
            metrics(new SimpleMeterRegistry()))) {
      countersigner.stored(SESSION, KEY.publicKey(), storeAll());
      sent.queries(5, "SELECT ");
      countersigner.stored(SESSION, KEY.publicKey(), storeAll());
      sent.queries(5, "SELECT ");
      countersigner.stored(SESSION, KEY.publicKey(), storeAll());
      assertThat(countersigned()).isEqualTo(1);
    }
    assertThat(countersigned()).isEqualTo(2);
  }

  @Test
  void withoutAKeyItIsCountedAndDoneWhenThereIsOne() throws Exception {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    AtomicReference<RecordingKey> key = new AtomicReference<>();
    try (Countersigner countersigner =
        new Countersigner(
            store,
            () -> Optional.ofNullable(key.get()),
            Clock.systemUTC(),
            Duration.ofHours(1),
            metrics(registry))) {
      sent.queries(5, "SELECT ");
      countersigner.stored(SESSION, KEY.publicKey(), storeAll());
      assertThat(heads()).doesNotExist();
      assertThat(registry.counter("chaperone.store.countersigning.failures").count()).isOne();
      key.set(STORE_KEY);
    }
    assertThat(countersigned()).isEqualTo(1);
  }
}
