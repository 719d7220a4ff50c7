package dev.chaperone.recording;

import dev.chaperone.recording.CountersignatureReader.Countersignature;
import dev.chaperone.recording.Verification.Damage;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Holds a recording, event by event, against the heads that a store has countersigned. What a store
 * has seen has to be there as it was seen, whoever has the recording's own key.
 */
final class CountersignedCheck implements Closeable {
  private final Path file;
  private final Map<Bytes, PublicKeyFile> keys = new HashMap<>();
  private final Bytes recordingKey;
  private final CountersignatureReader reader;
  private Optional<Countersignature> next = Optional.empty();
  private Countersignature last;
  private long count;

  private CountersignedCheck(
      Path file, List<PublicKeyFile> keys, Bytes recordingKey, CountersignatureReader reader) {
    this.file = file;
    this.recordingKey = recordingKey;
    this.reader = reader;
    keys.forEach(key -> this.keys.put(key.id(), key));
  }

  /**
   * Opens what there is now. To be called before the recording itself is looked at: what is
   * countersigned is in it already.
   *
   * @param keys of the store, the present one and those before it
   * @param recordingKey what the recording is signed with
   */
  static CountersignedCheck open(Path directory, List<PublicKeyFile> keys, Bytes recordingKey)
      throws IOException, BrokenRecordingException {
    Path file = directory.resolve(CountersignedHead.FILE_NAME);
    CountersignatureReader reader;
    try {
      reader = new CountersignatureReader(file);
    } catch (NoSuchFileException e) {
      throw nothing();
    }
    CountersignedCheck check = new CountersignedCheck(file, keys, recordingKey, reader);
    boolean opened = false;
    try {
      check.readNext();
      if (check.next.isEmpty()) {
        throw nothing();
      }
      opened = true;
      return check;
    } finally {
      if (!opened) {
        reader.close();
      }
    }
  }

  private static BrokenRecordingException nothing() {
    return new BrokenRecordingException(
        Damage.DELETED, 0, "there is no head here that a store has countersigned");
  }

  Path file() {
    return file;
  }

  /** Where the head stands that is looked for. */
  long offset() {
    return next.map(Countersignature::offset).orElse(reader.position());
  }

  private void readNext() throws IOException, BrokenRecordingException {
    long at = last == null ? 0 : last.signed().head().events();
    try {
      next = reader.next();
    } catch (MalformedRecordingException e) {
      throw new BrokenRecordingException(Damage.UNREADABLE, at, e.getMessage());
    }
    if (next.isEmpty()) {
      return;
    }
    CountersignedHead head = next.get().signed();
    PublicKeyFile key = keys.get(head.storeKey());
    if (key == null) {
      throw new BrokenRecordingException(
          Damage.OTHER_KEY,
          head.head().events(),
          "a head is countersigned with another key than the store's");
    }
    if (!next.get().isOf(key)) {
      throw new BrokenRecordingException(
          Damage.BAD_SIGNATURE, head.head().events(), "the store did not sign this head");
    }
    if (head.head().events() <= at) {
      throw new BrokenRecordingException(
          Damage.REORDERED, head.head().events(), "a later head was countersigned before it");
    }
  }

  /**
   * Takes an event of the recording.
   *
   * @param podUid of the pod that the recording says it is of
   * @param bytes how long the recording is up to its end
   */
  void event(String session, String podUid, Head head, long bytes)
      throws IOException, BrokenRecordingException {
    if (next.isEmpty() || next.get().signed().head().events() != head.events()) {
      return;
    }
    CountersignedHead signed = next.get().signed();
    if (!signed.session().equals(session)
        || !signed.podUid().equals(podUid)
        || !signed.recordingKey().equals(recordingKey)) {
      throw new BrokenRecordingException(
          Damage.INSERTED, head.events(), "the store has countersigned it for another recording");
    }
    if (!signed.head().hash().equals(head.hash()) || signed.bytes() != bytes) {
      throw new BrokenRecordingException(
          Damage.CHANGED,
          head.events(),
          "the store has seen other events up to here: they were written anew, whoever signed"
              + " them");
    }
    last = next.get();
    count++;
    readNext();
  }

  /**
   * The recording has ended.
   *
   * @return what is to be known of it
   */
  String end(long events) throws BrokenRecordingException {
    if (next.isPresent()) {
      throw new BrokenRecordingException(
          Damage.TRUNCATED,
          events + 1,
          "the store has countersigned "
              + next.get().signed().head().events()
              + " events: the end is missing");
    }
    CountersignedHead signed = last.signed();
    return "the store has countersigned "
        + count
        + " heads, the last of event "
        + signed.head().events()
        + " at "
        + Instant.EPOCH.plus(signed.micros(), ChronoUnit.MICROS).truncatedTo(ChronoUnit.SECONDS)
        + "; "
        + (events - signed.head().events())
        + " events stand behind it";
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
