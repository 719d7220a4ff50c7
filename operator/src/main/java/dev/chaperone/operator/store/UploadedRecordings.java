package dev.chaperone.operator.store;

import dev.chaperone.operator.store.RecordingStore.Extent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What the volume knows of recordings that it gave back the room of: one short file for each,
 * beside where the recording was. No session's name begins with a dot.
 */
final class UploadedRecordings {
  private static final System.Logger LOGGER = System.getLogger(UploadedRecordings.class.getName());
  private static final String RECEIPT = ".uploaded";
  private static final String LEAVING = ".leaving";

  private final Path volume;
  private final StoreSpace space;

  UploadedRecordings(Path volume, StoreSpace space) {
    this.volume = volume;
    this.space = space;
  }

  /** Finishes what an earlier process was deleting, and counts what is there. */
  void open() throws IOException {
    for (Path one : all()) {
      if (one.getFileName().toString().endsWith(LEAVING)) {
        delete(one);
      } else {
        space.found(RecordingStore.podUid(one), Files.size(one) + RecordingStore.FILE_BYTES);
      }
    }
  }

  private List<Path> all() throws IOException {
    try (Stream<Path> found = Files.find(volume, 2, (path, what) -> true)) {
      return found
          .filter(path -> volume.relativize(path).getNameCount() == 2)
          .filter(
              path -> {
                String name = path.getFileName().toString();
                return name.startsWith(".") && (name.endsWith(RECEIPT) || name.endsWith(LEAVING));
              })
          .toList();
    }
  }

  private Path beside(StoredSession session, String ending) {
    return beside(session.pod().uid(), session.session(), ending);
  }

  private Path beside(String podUid, String session, String ending) {
    return volume.resolve(podUid).resolve("." + session + ending);
  }

  /** Whether it was here once, and went after it was uploaded. */
  boolean isReleased(String podUid, String session) {
    return Files.isRegularFile(beside(podUid, session, RECEIPT), LinkOption.NOFOLLOW_LINKS);
  }

  /**
   * How far a recording went that is over, and not here any more. One that was not over begins anew
   * when its sidecar comes back with it: it has to be verified from its first event on.
   */
  Optional<Extent> end(StoredSession session) throws IOException {
    Path file = beside(session, RECEIPT);
    if (Files.isDirectory(session.directory(volume), LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    Optional<Extent> extent =
        UploadReceipt.read(file).flatMap(UploadReceipt::extent).filter(Extent::sealed);
    if (extent.isEmpty() && Files.exists(file)) {
      forget(file);
    }
    return extent;
  }

  /** In the place of the recording, whatever moment the process is killed at. With its lock. */
  void release(StoredSession session, UploadReceipt receipt) throws IOException {
    Path directory = session.directory(volume);
    Path leaving = beside(session, LEAVING);
    long size = RecordingStore.size(directory);
    space.found(session.pod().uid(), receipt.write(beside(session, RECEIPT)));
    RecordingStore.force(directory.getParent());
    Files.move(directory, leaving, StandardCopyOption.ATOMIC_MOVE);
    RecordingStore.force(directory.getParent());
    delete(leaving);
    space.giveBack(session.pod().uid(), size);
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** Of recordings that object storage does not keep any longer either. */
  void deleteOlder(StoreRetention.Connections connections, Instant now) throws IOException {
    for (Path one : all()) {
      try {
        Optional<UploadReceipt> receipt = UploadReceipt.read(one);
        boolean over =
            receipt
                .flatMap(said -> connections.kept(said.namespace(), said.connection()))
                .map(kept -> lastChange(one).plus(kept).isBefore(now))
                .orElse(false);
        if (over) {
          forget(one);
        }
      } catch (IOException | UncheckedIOException e) {
        LOGGER.log(System.Logger.Level.WARNING, "{0} cannot be looked at: {1}", one, e.toString());
      }
    }
  }

  private static Instant lastChange(Path file) {
    try {
      return Files.getLastModifiedTime(file).toInstant();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void forget(Path file) throws IOException {
    long size = Files.size(file) + RecordingStore.FILE_BYTES;
    if (Files.deleteIfExists(file)) {
      space.giveBack(RecordingStore.podUid(file), size);
    }
  }
}
