package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.recording.Verification.Broken;
import dev.chaperone.recording.Verification.Damage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("long")
class VerifierTest {
  private static final RecordingKey KEY = RecordingKey.generate();

  @TempDir Path temporary;
  private Path directory;
  private SessionUnderTest session;

  @BeforeEach
  void record() {
    directory = temporary.resolve("orders-db-1");
    session = SessionUnderTest.small(directory, KEY);
  }

  private Verification verify() throws IOException {
    return verify(Optional.empty());
  }

  private Verification verify(Optional<Bytes> head) throws IOException {
    return Verifier.verify(directory, KEY.publicKey(), head);
  }

  private Broken broken() throws IOException {
    Verification verification = verify();
    assertThat(verification).isInstanceOf(Broken.class);
    assertThat(verification.exitCode()).isEqualTo(1);
    return (Broken) verification;
  }

  private static List<Path> segments(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(f -> f.toString().endsWith(".seg")).sorted().toList();
    }
  }

  /** The frames of a segment; the first element is its header. */
  private static List<byte[]> parts(Path segment) throws Exception {
    List<byte[]> parts = new ArrayList<>();
    byte[] all = Files.readAllBytes(segment);
    try (SegmentReader reader = new SegmentReader(segment)) {
      reader.header();
      parts.add(Arrays.copyOf(all, (int) reader.position()));
      for (Frame frame = reader.next(); frame != null; frame = reader.next()) {
        int start = (int) frame.offset();
        parts.add(Arrays.copyOfRange(all, start, start + frame.length()));
      }
    }
    return parts;
  }

  private static void write(Path segment, List<byte[]> parts) throws IOException {
    int length = parts.stream().mapToInt(p -> p.length).sum();
    ByteBuffer all = ByteBuffer.allocate(length);
    parts.forEach(all::put);
    Files.write(segment, all.array());
  }

  @Test
  void aSealedRecordingIsValid() throws IOException {
    Verification verification = verify();
    assertThat(verification).isInstanceOf(Verification.Sealed.class);
    Verification.Sealed sealed = (Verification.Sealed) verification;
    assertThat(sealed.exitCode()).isZero();
    assertThat(sealed.segments()).isEqualTo(3);
    assertThat(sealed.head()).isEqualTo(session.chain().head());
    assertThat(sealed.totals()).isEqualTo(new Totals(3, 1, 1, 1, 1));
  }

  @Test
  void flippingAnyByteIsFound() throws IOException {
    for (Path segment : segments(directory)) {
      byte[] content = Files.readAllBytes(segment);
      for (int i = 0; i < content.length; i++) {
        for (int flip : new int[] {1 << (i % 8), content[i] & 0xff}) {
          if (flip == 0) {
            continue;
          }
          content[i] ^= (byte) flip;
          Files.write(segment, content);
          Verification verification = verify();
          assertThat(verification)
              .as("%s byte %d flipped with %x", segment.getFileName(), i, flip)
              .isInstanceOf(Broken.class);
          Broken broken = (Broken) verification;
          assertThat(broken.file()).isEqualTo(segment);
          assertThat(broken.offset()).isLessThanOrEqualTo(i);
          content[i] ^= (byte) flip;
        }
      }
      Files.write(segment, content);
    }
    assertThat(verify().exitCode()).isZero();
  }

  @Test
  void aFlippedByteIsFoundInTheEventItBelongsTo() throws Exception {
    Path segment = segments(directory).get(0);
    List<byte[]> parts = parts(segment);
    for (int i = 1; i < parts.size(); i++) {
      for (int at = 4; at < parts.get(i).length; at++) {
        parts.get(i)[at] ^= 0x40;
        write(segment, parts);
        Broken broken = broken();
        assertThat(broken.event()).isEqualTo(i);
        assertThat(broken.damage()).isEqualTo(Damage.CHANGED);
        parts.get(i)[at] ^= 0x40;
      }
    }
  }

  @Test
  void deletingAnyEventIsFound() throws Exception {
    long event = 0;
    for (Path segment : segments(directory)) {
      List<byte[]> parts = parts(segment);
      for (int i = 1; i < parts.size(); i++) {
        event++;
        List<byte[]> fewer = new ArrayList<>(parts);
        fewer.remove(i);
        write(segment, fewer);
        Verification verification = verify();
        boolean last = segment.endsWith("000003.seg") && i == parts.size() - 1;
        if (last) {
          assertThat(verification.exitCode()).isEqualTo(4);
        } else {
          Broken broken = (Broken) verification;
          assertThat(broken.event()).isEqualTo(event);
          assertThat(broken.damage())
              .isEqualTo(i == parts.size() - 1 ? Damage.TRUNCATED : Damage.DELETED);
        }
      }
      write(segment, parts);
    }
  }

  @Test
  void swappingAnyTwoNeighboursIsFound() throws Exception {
    long event = 0;
    for (Path segment : segments(directory)) {
      List<byte[]> parts = parts(segment);
      for (int i = 1; i < parts.size() - 1; i++) {
        event++;
        List<byte[]> swapped = new ArrayList<>(parts);
        swapped.set(i, parts.get(i + 1));
        swapped.set(i + 1, parts.get(i));
        write(segment, swapped);
        Broken broken = broken();
        assertThat(broken.event()).isEqualTo(event);
        assertThat(broken.damage()).isEqualTo(Damage.REORDERED);
      }
      event++;
      write(segment, parts);
    }
  }

  @Test
  void repeatingAnyEventIsFound() throws Exception {
    for (Path segment : segments(directory)) {
      List<byte[]> parts = parts(segment);
      for (int i = 1; i < parts.size(); i++) {
        List<byte[]> more = new ArrayList<>(parts);
        more.add(i, parts.get(i));
        write(segment, more);
        assertThat(broken().damage()).isEqualTo(Damage.INSERTED);
      }
      write(segment, parts);
    }
  }

  @Test
  void anEventOfAnotherRecordingIsFound() throws Exception {
    Path elsewhere = temporary.resolve("other");
    SessionUnderTest other = new SessionUnderTest(elsewhere, "other", KEY);
    other.opened(Optional.empty());
    for (int i = 0; i < 4; i++) {
      other.query("SELECT " + i, Event.Verdict.ALLOWED);
    }
    List<byte[]> foreign = parts(segments(elsewhere).get(0));
    Path segment = segments(directory).get(0);
    List<byte[]> parts = parts(segment);
    List<byte[]> more = new ArrayList<>(parts);
    more.add(3, foreign.get(3));
    write(segment, more);
    assertThat(broken().damage()).isEqualTo(Damage.INSERTED);
    assertThat(broken().event()).isEqualTo(3);
    more = new ArrayList<>(parts);
    more.set(3, foreign.get(3));
    write(segment, more);
    assertThat(broken().damage()).isEqualTo(Damage.CHANGED);
  }

  @Test
  void truncatingAtAnyByteIsFound() throws Exception {
    List<Path> segments = segments(directory);
    for (int s = segments.size() - 1; s >= 0; s--) {
      byte[] content = Files.readAllBytes(segments.get(s));
      for (int length = content.length - 1; length >= 0; length--) {
        Files.write(segments.get(s), Arrays.copyOf(content, length));
        int exitCode = verify().exitCode();
        assertThat(exitCode).as("segment %d at %d", s + 1, length).isNotZero();
        if (exitCode == 4) {
          assertThat(verify(Optional.of(session.chain().head().hash())).exitCode()).isEqualTo(1);
        }
      }
      Files.write(segments.get(s), content);
    }
  }

  @Test
  void aMissingSegmentIsFound() throws IOException {
    for (Path segment : segments(directory)) {
      byte[] content = Files.readAllBytes(segment);
      Files.delete(segment);
      assertThat(broken().damage())
          .isEqualTo(segment.endsWith("000003.seg") ? Damage.TRUNCATED : Damage.DELETED);
      Files.write(segment, content);
    }
  }

  @Test
  void swappedSegmentsAreFound() throws IOException {
    List<Path> segments = segments(directory);
    byte[] second = Files.readAllBytes(segments.get(1));
    Files.write(segments.get(1), Files.readAllBytes(segments.get(2)));
    Files.write(segments.get(2), second);
    assertThat(broken().damage()).isEqualTo(Damage.REORDERED);
  }

  @Test
  void whateverStandsBehindTheSealIsFound() throws Exception {
    Path last = segments(directory).get(2);
    List<byte[]> parts = parts(last);
    List<byte[]> more = new ArrayList<>(parts);
    more.add(new byte[64]);
    write(last, more);
    // Room that was prepared and not used.
    assertThat(verify().exitCode()).isZero();
    more.get(more.size() - 1)[63] = 1;
    write(last, more);
    assertThat(broken().damage()).isEqualTo(Damage.INSERTED);
  }

  @Test
  void aRecordingThatWasWrittenAnewWithAnotherKeyIsFound() throws IOException {
    Path again = temporary.resolve("again");
    Files.createDirectory(again);
    RecordingKey other = RecordingKey.generate();
    directory = again.resolve("orders-db-1");
    SessionUnderTest.small(directory, other);
    assertThat(broken().damage()).isEqualTo(Damage.OTHER_KEY);
  }

  @Test
  void hashesThatWereComputedAnewAreFoundByTheNextSignature() throws Exception {
    Path segment = segments(directory).get(0);
    List<byte[]> parts = parts(segment);
    // Change the statement of the first operation and compute everything behind it anew.
    byte[] header = parts.get(0);
    Bytes hash = Bytes.copy(header, header.length - 32, 32);
    for (int i = 1; i < parts.size(); i++) {
      byte[] frame = parts.get(i);
      if (frame[4] == Format.TYPE_OPERATION_REQUESTED) {
        frame[frame.length - 40] ^= 1;
      }
      var sha256 = Format.sha256();
      sha256.update(hash.array());
      sha256.update(frame, 0, frame.length - 32);
      hash = Bytes.of(sha256.digest());
      System.arraycopy(hash.array(), 0, frame, frame.length - 32, 32);
    }
    write(segment, parts);
    assertThat(broken().damage()).isIn(Damage.CHANGED, Damage.UNREADABLE);
  }

  @Test
  void aSignatureThatDoesNotFitIsFound() throws Exception {
    Path forged = temporary.resolve("forged").resolve("orders-db-1");
    RecordingKey other = RecordingKey.generate();
    // The right key's name, signed by another one.
    ChainWriter chain = new ChainWriter("orders-db-1", KEY.publicKey().id());
    Files.createDirectories(forged);
    Path segment = forged.resolve(SessionFiles.segmentName(1));
    List<byte[]> parts = new ArrayList<>();
    parts.add(chain.beginSegment(1));
    Space space = (array, length) -> parts.add(Arrays.copyOf(array, length));
    chain.append(
        new Event.SessionOpened(
            "orders-db-1",
            new Event.Identity("", "", "", "", "", List.of()),
            "",
            new Event.Target("", "", 0, ""),
            "",
            Optional.empty()),
        1,
        space);
    Checkpoint seal = chain.sealed(2);
    chain.append(seal, other.sign(seal), space);
    write(segment, parts);
    directory = forged;
    assertThat(broken().damage()).isEqualTo(Damage.BAD_SIGNATURE);
    assertThat(broken().event()).isEqualTo(2);
  }

  @Test
  void anUnsealedTailIsCounted() throws IOException {
    directory = temporary.resolve("open");
    SessionUnderTest open = new SessionUnderTest(directory, "open", KEY);
    open.opened(Optional.empty());
    assertThat(((Verification.Unsealed) verify()).tail()).isEqualTo(1);
    open.checkpoint();
    assertThat(((Verification.Unsealed) verify()).tail()).isZero();
    open.query("SELECT 1", Event.Verdict.ALLOWED);
    open.query("SELECT 2", Event.Verdict.ALLOWED);
    Verification.Unsealed unsealed = (Verification.Unsealed) verify();
    assertThat(unsealed.exitCode()).isEqualTo(4);
    // Two events and the facts they share.
    assertThat(unsealed.tail()).isEqualTo(3);
  }

  @Test
  void aSignatureMayComeLaterThanWhatItCovers() throws IOException {
    directory = temporary.resolve("open");
    SessionUnderTest open = new SessionUnderTest(directory, "open", KEY);
    open.opened(Optional.empty());
    Checkpoint early = open.chain().checkpoint(SessionUnderTest.START);
    open.query("SELECT 1", Event.Verdict.ALLOWED);
    open.sign(early);
    Verification.Unsealed unsealed = (Verification.Unsealed) verify();
    assertThat(unsealed.tail()).isEqualTo(2);
    assertThat(open.chain().append(open.chain().sealed(1), Bytes.EMPTY, (a, l) -> false)).isFalse();
  }

  @Test
  void aHeadThatWasSeenMustBeThere() throws Exception {
    directory = temporary.resolve("open");
    SessionUnderTest open = new SessionUnderTest(directory, "open", KEY);
    open.opened(Optional.empty());
    open.query("SELECT 1", Event.Verdict.ALLOWED);
    Bytes seen = open.chain().head().hash();
    assertThat(verify(Optional.of(seen)).exitCode()).isEqualTo(4);
    open.query("SELECT 2", Event.Verdict.ALLOWED);
    assertThat(verify(Optional.of(seen)).exitCode()).isEqualTo(4);
    Path segment = segments(directory).get(0);
    List<byte[]> parts = parts(segment);
    write(segment, parts.subList(0, parts.size() - 2));
    assertThat(verify().exitCode()).isEqualTo(4);
    Verification truncated = verify(Optional.of(seen));
    assertThat(((Broken) truncated).damage()).isEqualTo(Damage.TRUNCATED);
  }

  @Test
  void anEventThatWasNeverFinishedIsNoDamage() throws Exception {
    directory = temporary.resolve("open");
    SessionUnderTest open = new SessionUnderTest(directory, "open", KEY);
    open.opened(Optional.empty());
    open.query("SELECT 1", Event.Verdict.ALLOWED);
    Path segment = segments(directory).get(0);
    List<byte[]> parts = new ArrayList<>(parts(segment));
    byte[] unfinished = parts.get(parts.size() - 1).clone();
    Arrays.fill(unfinished, 0, 4, (byte) 0);
    Arrays.fill(unfinished, unfinished.length - 40, unfinished.length, (byte) 0);
    parts.set(parts.size() - 1, unfinished);
    parts.add(new byte[1 << 16]);
    write(segment, parts);
    Verification.Unsealed unsealed = (Verification.Unsealed) verify();
    assertThat(unsealed.notes()).hasSize(1);
  }

  @Test
  void anEventWhoseLengthWasTakenAwayIsDamage() throws Exception {
    directory = temporary.resolve("open");
    SessionUnderTest open = new SessionUnderTest(directory, "open", KEY);
    open.opened(Optional.empty());
    open.query("SELECT 1", Event.Verdict.ALLOWED);
    Path segment = segments(directory).get(0);
    List<byte[]> parts = parts(segment);
    parts.add(new byte[1 << 16]);
    write(segment, parts);
    assertThat(verify().exitCode()).isEqualTo(4);
    for (int i = 1; i < parts.size() - 1; i++) {
      List<byte[]> without = new ArrayList<>(parts);
      without.set(i, parts.get(i).clone());
      Arrays.fill(without.get(i), 0, 4, (byte) 0);
      write(segment, without);
      if (i == parts.size() - 2) {
        // As a process leaves it that was killed just before it finished its last event.
        assertThat(verify().exitCode()).isEqualTo(4);
      } else {
        assertThat(broken().damage()).isEqualTo(Damage.CHANGED);
        assertThat(broken().event()).isEqualTo(i);
      }
    }
  }

  @Test
  void theEndOfTheSessionBeforeIsVerifiedToo() throws Exception {
    directory = temporary.resolve("second");
    SessionUnderTest first = new SessionUnderTest(temporary.resolve("first"), "first", KEY);
    first.opened(Optional.empty());
    first.query("SELECT 1", Event.Verdict.ALLOWED);
    Head head = first.chain().head();
    SessionUnderTest second = new SessionUnderTest(directory, "second", KEY);
    second.opened(Optional.of(new Event.Predecessor("first", head.events(), head.hash(), false)));
    second.seal("done");
    assertThat(verify().exitCode()).isZero();
    Path segment = segments(first.directory()).get(0);
    List<byte[]> parts = parts(segment);
    write(segment, parts.subList(0, parts.size() - 1));
    assertThat(broken().damage()).isEqualTo(Damage.TRUNCATED);
    assertThat(broken().file()).isEqualTo(segment);
    Files.delete(segment);
    Files.delete(first.directory().resolve(PublicKeyFile.NAME));
    Files.delete(first.directory());
    assertThat(((Verification.Sealed) verify()).notes().get(0)).contains("not here");
  }

  @Test
  void anythingAtAllIsAnswered() throws IOException {
    Random random = new Random(4);
    List<Path> segments = segments(directory);
    byte[][] contents = new byte[segments.size()][];
    for (int i = 0; i < contents.length; i++) {
      contents[i] = Files.readAllBytes(segments.get(i));
    }
    for (int round = 0; round < 1_000; round++) {
      int which = random.nextInt(contents.length);
      byte[] mutated = contents[which].clone();
      int changes = 1 + random.nextInt(20);
      for (int i = 0; i < changes; i++) {
        int at = random.nextInt(mutated.length);
        int run = Math.min(mutated.length - at, 1 + random.nextInt(8));
        for (int k = 0; k < run; k++) {
          mutated[at + k] = (byte) random.nextInt();
        }
      }
      if (Arrays.equals(mutated, contents[which])) {
        continue;
      }
      Files.write(segments.get(which), mutated);
      assertThat(verify()).isInstanceOf(Broken.class);
      Files.write(segments.get(which), contents[which]);
    }
  }

  @Test
  void aFileThatIsNoSegmentIsAnswered() throws IOException {
    Path segment = segments(directory).get(0);
    for (String text :
        List.of("hello", "CHAPREC\n", "CHAPREC\n\0\1\177\177", "x".repeat(100_000))) {
      Files.writeString(segment, text);
      assertThat(verify()).isInstanceOf(Broken.class);
    }
    Files.write(segment, new byte[0]);
    assertThat(verify()).isInstanceOf(Broken.class);
    Files.write(segment, new byte[1 << 20]);
    assertThat(verify()).isInstanceOf(Broken.class);
  }
}
