package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.chaperone.recording.Verification.Damage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArrivingRecordingTest {
  private static final RecordingKey KEY = RecordingKey.generate();
  private static final String NAME = "orders-db-1";

  @TempDir Path temporary;
  private Path sent;
  private Path stored;
  private SessionUnderTest session;

  @BeforeEach
  void record() throws IOException {
    sent = temporary.resolve(NAME);
    session = SessionUnderTest.small(sent, KEY);
    stored = Files.createDirectories(temporary.resolve("stored").resolve(NAME));
  }

  private static ArrivingRecording begin() {
    return ArrivingRecording.begin(NAME, KEY.publicKey());
  }

  /** All pieces of a recording, in order. */
  private static List<RecordingPiece> pieces(Path directory) throws Exception {
    List<RecordingPiece> pieces = new ArrayList<>();
    ArrivingRecording reader = begin();
    RecordingPiece piece = RecordingPiece.read(directory, Position.START);
    while (piece.content().length() > 0) {
      pieces.add(piece);
      reader.accept(piece.at(), piece.content());
      piece = RecordingPiece.read(directory, reader.position());
    }
    return pieces;
  }

  private static void write(Path directory, RecordingPiece piece) throws IOException {
    Files.write(
        SessionFiles.segment(directory, piece.at().segment()),
        piece.content().array(),
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  /** Takes all pieces but writes only so many of them. */
  private ArrivingRecording store(List<RecordingPiece> pieces) throws Exception {
    ArrivingRecording recording = begin();
    for (RecordingPiece piece : pieces) {
      recording.accept(piece.at(), piece.content());
      write(stored, piece);
    }
    return recording;
  }

  private static BrokenRecordingException refused(
      ArrivingRecording recording, Position at, byte[] content) {
    BrokenRecordingException broken =
        catchThrowableOfType(
            BrokenRecordingException.class, () -> recording.accept(at, Bytes.of(content)));
    assertThat(broken).isNotNull();
    return broken;
  }

  @Test
  void takesAWholeRecordingInPiecesAndItIsTheSameFiles() throws Exception {
    ArrivingRecording recording = store(pieces(sent));
    assertThat(recording.isSealed()).isTrue();
    assertThat(recording.head()).isEqualTo(session.chain().head());
    assertThat(recording.opened().orElseThrow().session()).isEqualTo(NAME);
    long bytes = 0;
    for (int segment : SessionFiles.segments(sent)) {
      Path file = SessionFiles.segment(stored, segment);
      assertThat(file).hasSameBinaryContentAs(SessionFiles.segment(sent, segment));
      bytes += Files.size(file);
    }
    assertThat(recording.bytes()).isEqualTo(bytes);
    assertThat(Verifier.verify(stored, KEY.publicKey(), Optional.empty()).exitCode()).isZero();
  }

  @Test
  void refusesARecordingOfWhichAnyByteWasChanged() throws Exception {
    List<RecordingPiece> pieces = pieces(sent);
    for (RecordingPiece piece : pieces) {
      byte[] content = piece.content().toArray();
      for (int i = 0; i < content.length; i++) {
        ArrivingRecording recording = begin();
        for (RecordingPiece before : pieces) {
          if (before.at().equals(piece.at())) {
            break;
          }
          recording.accept(before.at(), before.content());
        }
        content[i] ^= 1;
        refused(recording, piece.at(), content);
        content[i] ^= 1;
      }
    }
  }

  @Test
  void refusesWhatIsCutOffInTheMiddleOfAnEvent() throws Exception {
    byte[] content = pieces(sent).get(0).content().toArray();
    ArrivingRecording whole = begin();
    whole.accept(Position.START, Bytes.of(content));
    BrokenRecordingException broken =
        refused(begin(), Position.START, Arrays.copyOf(content, content.length - 4));
    assertThat(broken.damage()).isEqualTo(Damage.TRUNCATED);
    assertThat(refused(begin(), Position.START, Arrays.copyOf(content, 11)).damage())
        .isEqualTo(Damage.TRUNCATED);
  }

  @Test
  void refusesWhatComesAgainOrTooEarly() throws Exception {
    List<RecordingPiece> pieces = pieces(sent);
    ArrivingRecording recording = begin();
    RecordingPiece first = pieces.get(0);
    recording.accept(first.at(), first.content());
    assertThat(refused(recording, first.at(), first.content().toArray()).damage())
        .isEqualTo(Damage.REORDERED);
    assertThat(refused(begin(), pieces.get(1).at(), pieces.get(1).content().toArray()).damage())
        .isEqualTo(Damage.REORDERED);
    // At the right place, but another piece.
    assertThat(refused(begin(), Position.START, pieces.get(1).content().toArray()).damage())
        .isEqualTo(Damage.REORDERED);
  }

  @Test
  void refusesEventsOfAnotherSessionOrKey() throws Exception {
    byte[] content = pieces(sent).get(0).content().toArray();
    BrokenRecordingException otherSession =
        refused(ArrivingRecording.begin("orders-db-2", KEY.publicKey()), Position.START, content);
    assertThat(otherSession.damage()).isEqualTo(Damage.REORDERED);
    BrokenRecordingException otherKey =
        refused(
            ArrivingRecording.begin(NAME, RecordingKey.generate().publicKey()),
            Position.START,
            content);
    assertThat(otherKey.damage()).isEqualTo(Damage.OTHER_KEY);
  }

  @Test
  void refusesAPastThatWasWrittenAnew() throws Exception {
    SessionUnderTest one = new SessionUnderTest(temporary.resolve("a").resolve(NAME), NAME, KEY);
    SessionUnderTest other = new SessionUnderTest(temporary.resolve("b").resolve(NAME), NAME, KEY);
    one.opened(Optional.empty());
    other.opened(Optional.empty());
    one.query("DROP TABLE tickets", Event.Verdict.ALLOWED);
    other.query("SELECT 1 AS tickets", Event.Verdict.ALLOWED);
    one.checkpoint();
    other.checkpoint();
    RecordingPiece before = RecordingPiece.read(one.directory(), Position.START);
    ArrivingRecording recording = begin();
    recording.accept(before.at(), before.content());
    one.query("SELECT 2", Event.Verdict.ALLOWED);
    other.query("SELECT 2", Event.Verdict.ALLOWED);
    byte[] rewritten = Files.readAllBytes(SessionFiles.segment(other.directory(), 1));
    int end = (int) recording.position().offset();
    assertThat(
            refused(
                    recording,
                    recording.position(),
                    Arrays.copyOfRange(rewritten, end, rewritten.length))
                .damage())
        .isEqualTo(Damage.CHANGED);
    // Another store, which has nothing of it yet, but knows the head.
    ArrivingRecording elsewhere = begin();
    elsewhere.require(recording.head());
    assertThat(refused(elsewhere, Position.START, rewritten))
        .hasMessage("it is not what was stored of this session before");
    ArrivingRecording honest = begin();
    honest.require(recording.head());
    honest.accept(before.at(), before.content());
    assertThatThrownBy(() -> honest.require(new Head(honest.head().events(), Bytes.utf8("x"))))
        .isInstanceOf(BrokenRecordingException.class);
  }

  @Test
  void refusesWhatStandsBehindTheEndOfASegmentOrTheSession() throws Exception {
    List<RecordingPiece> pieces = pieces(sent);
    RecordingPiece first = pieces.get(0);
    byte[] event = pieces.get(1).content().toArray();
    byte[] more = Arrays.copyOf(first.content().array(), first.content().length() + event.length);
    System.arraycopy(event, 0, more, first.content().length(), event.length);
    assertThat(refused(begin(), first.at(), more).damage()).isEqualTo(Damage.INSERTED);
    ArrivingRecording recording = begin();
    for (RecordingPiece piece : pieces) {
      recording.accept(piece.at(), piece.content());
    }
    assertThat(refused(recording, recording.position(), event).damage()).isEqualTo(Damage.INSERTED);
  }

  @Test
  void goesOnWhereItEndedAfterEachPiece() throws Exception {
    List<RecordingPiece> pieces = pieces(sent);
    Head end = null;
    for (RecordingPiece piece : pieces) {
      ArrivingRecording resumed = ArrivingRecording.resume(stored, NAME, KEY.publicKey());
      assertThat(resumed.position()).isEqualTo(piece.at());
      resumed.accept(piece.at(), piece.content());
      write(stored, piece);
      end = resumed.head();
    }
    assertThat(end).isEqualTo(session.chain().head());
    ArrivingRecording sealed = ArrivingRecording.resume(stored, NAME, KEY.publicKey());
    assertThat(sealed.isSealed()).isTrue();
    assertThat(sealed.head()).isEqualTo(end);
  }

  @Test
  void goesOnBeforeAnEventThatWasHalfWrittenWhereverItIsCutOff() throws Exception {
    RecordingPiece piece = pieces(sent).get(0);
    byte[] content = piece.content().toArray();
    Path file = SessionFiles.segment(stored, 1);
    for (int length = 0; length < content.length; length++) {
      Files.write(file, Arrays.copyOf(content, length));
      ArrivingRecording resumed = ArrivingRecording.resume(stored, NAME, KEY.publicKey());
      int end = (int) resumed.position().offset();
      assertThat(end).isLessThanOrEqualTo(length);
      if (end > 0) {
        resumed.accept(
            resumed.position(), Bytes.of(Arrays.copyOfRange(content, end, content.length)));
      } else {
        resumed.accept(resumed.position(), piece.content());
      }
      assertThat(resumed.position()).isEqualTo(new Position(2, 0));
    }
  }

  @Test
  void doesNotGoOnWhereTheStoreItselfWasChanged() throws Exception {
    store(pieces(sent));
    Path second = SessionFiles.segment(stored, 2);
    byte[] content = Files.readAllBytes(second);
    content[content.length / 2] ^= 1;
    Files.write(second, content);
    assertThatThrownBy(() -> ArrivingRecording.resume(stored, NAME, KEY.publicKey()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the store was changed");
    Files.delete(second);
    assertThatThrownBy(() -> ArrivingRecording.resume(stored, NAME, KEY.publicKey()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is missing");
  }

  @Test
  void theHeadIsAnEventAlsoWhereASegmentHasJustBegun() throws Exception {
    SessionUnderTest one = new SessionUnderTest(temporary.resolve("a").resolve(NAME), NAME, KEY);
    one.opened(Optional.empty());
    one.rotate();
    ArrivingRecording recording = begin();
    RecordingPiece piece = RecordingPiece.read(one.directory(), Position.START);
    recording.accept(piece.at(), piece.content());
    Head head = recording.head();
    RecordingPiece header = RecordingPiece.read(one.directory(), recording.position());
    recording.accept(header.at(), header.content());
    assertThat(recording.head()).isEqualTo(head);
    ArrivingRecording elsewhere = begin();
    elsewhere.require(recording.head());
    elsewhere.accept(piece.at(), piece.content());
    elsewhere.require(head);
  }

  @Test
  void sendsNothingOfAnEventThatIsHalfOnTheDisk() throws Exception {
    Path file = SessionFiles.segment(sent, 1);
    RecordingPiece whole = RecordingPiece.read(sent, Position.START);
    byte[] content = Files.readAllBytes(file);
    for (int length = 0; length < content.length; length += 7) {
      byte[] half = new byte[content.length + 100];
      System.arraycopy(content, 0, half, 0, length);
      Files.write(file, half);
      RecordingPiece piece = RecordingPiece.read(sent, Position.START);
      assertThat(piece.content().length()).isLessThanOrEqualTo(length);
      begin().accept(piece.at(), piece.content());
    }
    Files.write(file, content);
    assertThat(RecordingPiece.read(sent, Position.START)).isEqualTo(whole);
    assertThat(RecordingPiece.read(sent, new Position(9, 0)).content()).isEqualTo(Bytes.EMPTY);
  }

  @Test
  void sendsLongRecordingsInSmallPieces() throws Exception {
    SessionUnderTest large = new SessionUnderTest(temporary.resolve("l").resolve(NAME), NAME, KEY);
    large.opened(Optional.empty());
    for (int i = 0; i < 5_000; i++) {
      large.query("SELECT " + i, Event.Verdict.ALLOWED);
      if (i % 1_000 == 999) {
        large.checkpoint();
      }
    }
    large.query("SELECT '" + "x".repeat(300_000) + "'", Event.Verdict.ALLOWED);
    large.rotate();
    large.seal("done");
    List<RecordingPiece> pieces = pieces(large.directory());
    assertThat(pieces).hasSizeGreaterThan(10);
    assertThat(pieces)
        .allSatisfy(
            piece -> assertThat(piece.content().length()).isBetween(1, RecordingPiece.MAX_BYTES));
    assertThat(pieces.subList(0, pieces.size() - 1)).allMatch(RecordingPiece::more);
    assertThat(pieces.get(pieces.size() - 1).more()).isFalse();
    ArrivingRecording recording = store(pieces);
    assertThat(recording.isSealed()).isTrue();
    // What is covered is forgotten.
    assertThat(recording.memory()).isLessThan(1 << 20);
  }
}
