package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.recording.CountersignatureReader.Countersignature;
import dev.chaperone.recording.Verification.Broken;
import dev.chaperone.recording.Verification.Damage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CountersignedHeadTest {
  private static final RecordingKey KEY = RecordingKey.generate();
  private static final RecordingKey STORE = RecordingKey.generate();

  /** Of the key whose seed is 32 times 7. */
  private static final String GOLDEN_SIGNATURE =
      "d82338a6005428717e559a9897971977709f000f70c5e31713e1c0abc104c1c6"
          + "ed9644a2db4365ba2a650811d4cbc68d82b0090e72f202b99f1e8658326b1106";

  @TempDir Path temporary;
  private Path directory;
  private Path heads;

  @BeforeEach
  void record() throws Exception {
    directory = temporary.resolve("orders-db-1");
    heads = directory.resolve(CountersignedHead.FILE_NAME);
    SessionUnderTest.small(directory, KEY);
    countersign(directory, heads, STORE, KEY);
  }

  /** As a store that is sent the recording piece by piece, one event each. */
  private static void countersign(Path directory, Path heads, RecordingKey by, RecordingKey key)
      throws Exception {
    for (CountersignedHead head : heads(directory, by, key)) {
      append(heads, head.encode(by.sign(head)));
    }
  }

  private static List<CountersignedHead> heads(Path directory, RecordingKey by, RecordingKey key)
      throws Exception {
    List<CountersignedHead> heads = new ArrayList<>();
    String session = directory.getFileName().toString();
    ArrivingRecording arriving = ArrivingRecording.begin(session, key.publicKey());
    RecordingPiece piece = RecordingPiece.read(directory, Position.START);
    while (piece.content().length() > 0) {
      arriving.accept(piece.at(), piece.content());
      heads.add(
          new CountersignedHead(
              "pod-uid",
              session,
              key.publicKey().id(),
              by.publicKey().id(),
              SessionUnderTest.START + heads.size(),
              arriving.head(),
              arriving.headEnd()));
      piece = RecordingPiece.read(directory, arriving.position());
    }
    return heads;
  }

  private static void append(Path file, byte[] bytes) throws IOException {
    Files.write(file, bytes, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private Verification verify(RecordingKey... stores) throws IOException {
    return Verifier.verify(
        directory,
        KEY.publicKey(),
        Optional.empty(),
        Arrays.stream(stores).map(RecordingKey::publicKey).toList());
  }

  private Broken broken() throws IOException {
    Verification verification = verify(STORE);
    assertThat(verification).isInstanceOf(Broken.class);
    return (Broken) verification;
  }

  @Test
  void theFormatIsTheOneThatIsDocumented() throws IOException {
    byte[] seed = new byte[32];
    Arrays.fill(seed, (byte) 7);
    byte[] der =
        ByteBuffer.allocate(48)
            .put(HexFormat.of().parseHex("302e020100300506032b657004220420"))
            .put(seed)
            .array();
    RecordingKey store =
        RecordingKey.of(
            ("-----BEGIN PRIVATE KEY-----\n"
                    + Base64.getEncoder().encodeToString(der)
                    + "\n-----END PRIVATE KEY-----\n")
                .getBytes(StandardCharsets.US_ASCII));
    Bytes hash = Bytes.of(HexFormat.of().parseHex("aa".repeat(32)));
    Bytes recordingKey = Bytes.of(HexFormat.of().parseHex("bb".repeat(32)));
    CountersignedHead head =
        new CountersignedHead(
            "uid-0",
            "orders-1",
            recordingKey,
            store.publicKey().id(),
            0x0102030405060708L,
            new Head(258, hash),
            65_537);
    assertThat(Bytes.of(head.encode(store.sign(head))).hex())
        .isEqualTo(
            "43484353" // magic
                + "0001" // version
                + "00d1" // length: 209
                + "0102030405060708" // time
                + "0000000000000102" // event
                + "0000000000010001" // bytes
                + "aa".repeat(32)
                + "bb".repeat(32)
                + store.publicKey().id().hex()
                + "0005"
                + "7569642d30" // uid-0
                + "0008"
                + "6f72646572732d31" // orders-1
                + GOLDEN_SIGNATURE);
  }

  @Test
  void aRecordingThatHoldsWhatTheStoreHasSeenIsValid() throws Exception {
    Verification.Sealed sealed = (Verification.Sealed) verify(STORE);
    assertThat(sealed.notes())
        .containsExactly(
            "the store has countersigned 3 heads, the last of event "
                + sealed.head().events()
                + " at 2026-11-21T18:00:00Z; 0 events stand behind it");
    // One of several keys: the store's key was replaced meanwhile.
    assertThat(verify(RecordingKey.generate(), STORE).exitCode()).isZero();
  }

  @Test
  void aRewrittenPastIsFoundEvenWithTheSidecarsOwnKey() throws Exception {
    Path other = temporary.resolve("other").resolve("orders-db-1");
    SessionUnderTest forged = new SessionUnderTest(other, "orders-db-1", KEY);
    forged.opened(Optional.empty());
    for (int i = 0; i < 40; i++) {
      forged.query("SELECT 1", Event.Verdict.ALLOWED);
    }
    forged.seal("nothing happened");
    Files.copy(heads, other.resolve(CountersignedHead.FILE_NAME));
    directory = other;
    assertThat(verify().exitCode()).isZero();
    assertThat(broken().damage()).isEqualTo(Damage.CHANGED);
    assertThat(broken().explanation()).contains("written anew");
  }

  @Test
  void anEndThatIsCutOffBehindTheLastSealedSegmentIsFound() throws Exception {
    Files.delete(directory.resolve("000003.seg"));
    Path second = directory.resolve("000002.seg");
    byte[] content = Files.readAllBytes(second);
    // Without the frame that says that another segment follows, it is a session that was killed.
    Files.write(second, Arrays.copyOf(content, content.length - continuedBytes(second)));
    assertThat(verify().exitCode()).isEqualTo(4);
    assertThat(broken().damage()).isEqualTo(Damage.TRUNCATED);
    assertThat(broken().explanation()).contains("the store has countersigned");
  }

  private static int continuedBytes(Path segment) throws Exception {
    int last = 0;
    try (SegmentReader reader = new SegmentReader(segment)) {
      reader.header();
      for (Frame frame = reader.next(); frame != null; frame = reader.next()) {
        last = frame.length();
      }
    }
    return last;
  }

  @Test
  void everyByteOfACountersignatureCounts() throws Exception {
    byte[] all = Files.readAllBytes(heads);
    for (int i = 0; i < all.length; i++) {
      byte[] changed = all.clone();
      changed[i] ^= 1;
      Files.write(heads, changed);
      Verification verification = verify(STORE);
      assertThat(verification).as("byte " + i).isInstanceOf(Broken.class);
    }
  }

  @Test
  void eachFieldThatTheStoreItselfSignsHasToFit() throws Exception {
    CountersignedHead head = heads(directory, STORE, KEY).get(0);
    for (CountersignedHead other :
        List.of(
            with(head, "other-uid", head.session(), head.recordingKey(), head.head(), 0),
            with(head, head.podUid(), "orders-db-2", head.recordingKey(), head.head(), 0),
            with(head, head.podUid(), head.session(), STORE.publicKey().id(), head.head(), 0),
            with(head, head.podUid(), head.session(), head.recordingKey(), head.head(), 4),
            with(
                head,
                head.podUid(),
                head.session(),
                head.recordingKey(),
                new Head(head.head().events(), STORE.publicKey().id()),
                0),
            with(
                head,
                head.podUid(),
                head.session(),
                head.recordingKey(),
                new Head(head.head().events() - 1, head.head().hash()),
                0))) {
      Files.write(heads, other.encode(STORE.sign(other)));
      assertThat(verify(STORE)).as(other.toString()).isInstanceOf(Broken.class);
    }
  }

  private static CountersignedHead with(
      CountersignedHead of, String podUid, String session, Bytes key, Head head, long more) {
    return new CountersignedHead(
        podUid, session, key, of.storeKey(), of.micros(), head, of.bytes() + more);
  }

  @Test
  void theCountersignaturesOfAnotherSessionAreNoneOfThisOne() throws Exception {
    Path other = temporary.resolve("orders-db-2");
    SessionUnderTest second = new SessionUnderTest(other, "orders-db-2", KEY);
    second.opened(Optional.empty());
    second.query("SELECT 1", Event.Verdict.ALLOWED);
    second.seal("done");
    Path theirs = other.resolve(CountersignedHead.FILE_NAME);
    countersign(other, theirs, STORE, KEY);
    Files.copy(theirs, heads, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    assertThat(broken().damage()).isEqualTo(Damage.INSERTED);
    // Mixed in among its own.
    Files.delete(heads);
    append(heads, Files.readAllBytes(theirs));
    countersign(directory, heads, STORE, KEY);
    assertThat(verify(STORE)).isInstanceOf(Broken.class);
  }

  @Test
  void somebodyElsesKeyIsNotTheStores() throws Exception {
    assertThat(((Broken) verify(KEY)).damage()).isEqualTo(Damage.OTHER_KEY);
    Files.delete(heads);
    RecordingKey mallory = RecordingKey.generate();
    countersign(directory, heads, mallory, KEY);
    assertThat(broken().damage()).isEqualTo(Damage.OTHER_KEY);
    // Under the store's name, with another signature.
    CountersignedHead head = heads(directory, STORE, KEY).get(0);
    Files.write(heads, head.encode(mallory.sign(head)));
    assertThat(broken().damage()).isEqualTo(Damage.BAD_SIGNATURE);
  }

  @Test
  void countersignaturesThatAreGoneAreMissed() throws Exception {
    Files.delete(heads);
    assertThat(broken().damage()).isEqualTo(Damage.DELETED);
    Files.createFile(heads);
    assertThat(broken().damage()).isEqualTo(Damage.DELETED);
    assertThat(verify().exitCode()).isZero();
  }

  @Test
  void oneThatIsDoubledOrMovedIsFound() throws Exception {
    List<byte[]> entries = entries();
    for (List<Integer> order : List.of(List.of(0, 0, 1, 2), List.of(1, 0, 2), List.of(0, 2, 1))) {
      Files.delete(heads);
      for (int i : order) {
        append(heads, entries.get(i));
      }
      assertThat(broken().damage()).as(order.toString()).isEqualTo(Damage.REORDERED);
    }
  }

  private List<byte[]> entries() throws Exception {
    List<byte[]> entries = new ArrayList<>();
    try (CountersignatureReader reader = new CountersignatureReader(heads)) {
      for (Optional<Countersignature> one = reader.next(); one.isPresent(); one = reader.next()) {
        entries.add(one.get().signed().encode(one.get().signature()));
      }
      assertThat(reader.rest()).isZero();
    }
    return entries;
  }

  @Test
  void oneThatWasBeingWrittenIsNoPartOfIt() throws Exception {
    List<byte[]> entries = entries();
    byte[] third = entries.get(2);
    for (int written = 0; written < third.length; written++) {
      Files.write(heads, entries.get(0));
      append(heads, entries.get(1));
      append(heads, Arrays.copyOf(third, written));
      assertThat(verify(STORE).exitCode()).as("%s bytes", written).isZero();
    }
    Files.write(heads, entries.get(0));
    append(heads, new byte[CountersignedHead.MAX_BYTES]);
    assertThat(verify(STORE).exitCode()).isZero();
    append(heads, new byte[1]);
    assertThat(verify(STORE).exitCode()).isEqualTo(1);
  }

  @Test
  void aStoresKeyIsReadAgainFromWhatItWasWrittenAs() throws Exception {
    RecordingKey again = RecordingKey.of(STORE.pem());
    assertThat(again.publicKey().id()).isEqualTo(STORE.publicKey().id());
    assertThatThrownBy(() -> RecordingKey.of("nothing".getBytes(StandardCharsets.US_ASCII)))
        .isInstanceOf(IOException.class)
        .hasMessageNotContaining("nothing");
    Path file = temporary.resolve("keys.pem");
    Files.writeString(file, STORE.publicKey().pem() + "\n" + KEY.publicKey().pem());
    assertThat(PublicKeyFile.readAll(file))
        .extracting(PublicKeyFile::id)
        .containsExactly(STORE.publicKey().id(), KEY.publicKey().id());
    assertThatThrownBy(() -> PublicKeyFile.read(file)).isInstanceOf(IOException.class);
    Files.writeString(file, STORE.publicKey().pem() + "garbage");
    assertThatThrownBy(() -> PublicKeyFile.readAll(file)).isInstanceOf(IOException.class);
  }
}
