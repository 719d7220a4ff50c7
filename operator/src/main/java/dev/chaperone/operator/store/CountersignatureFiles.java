package dev.chaperone.operator.store;

import dev.chaperone.recording.CountersignatureReader;
import dev.chaperone.recording.CountersignatureReader.Countersignature;
import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.MalformedRecordingException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Where the files with the heads that this store has countersigned end. */
final class CountersignatureFiles {
  /** How many of them are remembered; the others are read again. */
  private static final int MOST = 4_096;

  /**
   * The end of such a file.
   *
   * @param events how far the recording was when it was countersigned last; 0 where it was not
   * @param offset where the next one goes
   */
  record End(long events, long offset) {}

  private final Map<String, End> ends = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * Where a file ends.
   *
   * @param path of the session
   * @throws IOException when it cannot be read, or holds what a store did not write
   */
  End end(String path, Path file) throws IOException {
    synchronized (ends) {
      End known = ends.get(path);
      if (known != null) {
        return known;
      }
    }
    End read = read(file);
    put(path, read);
    return read;
  }

  void written(String path, CountersignedHead head, long end) {
    put(path, new End(head.head().events(), end));
  }

  private void put(String path, End end) {
    synchronized (ends) {
      ends.put(path, end);
      if (ends.size() > MOST) {
        ends.remove(ends.keySet().iterator().next());
      }
    }
  }

  void forget(String path) {
    synchronized (ends) {
      ends.remove(path);
    }
  }

  /** What is there of a file. */
  End read(Path file) throws IOException {
    try (CountersignatureReader reader = new CountersignatureReader(file)) {
      long events = 0;
      for (Optional<Countersignature> one = reader.next(); one.isPresent(); one = reader.next()) {
        events = one.get().signed().head().events();
      }
      if (reader.rest() > CountersignedHead.MAX_BYTES) {
        throw new IOException(file + " is broken: the store was changed");
      }
      return new End(events, reader.position());
    } catch (NoSuchFileException e) {
      return new End(0, 0);
    } catch (MalformedRecordingException e) {
      throw new IOException(file + ": " + e.getMessage() + ": the store was changed", e);
    }
  }
}
