package dev.chaperone.sidecar.journal;

import dev.chaperone.recording.Event;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.SessionSummary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Finds the session that a new one follows: the last one of the same connection. */
final class Predecessors {
  private Predecessors() {}

  /**
   * The session recorded before, as far as it is valid.
   *
   * @param directory of the session that begins; the others stand beside it
   */
  static Optional<Event.Predecessor> of(Event.SessionOpened opened, Path directory)
      throws IOException {
    Optional<SessionSummary> latest = Optional.empty();
    for (Path sibling : SessionFiles.sessions(directory.getParent())) {
      if (sibling.getFileName().equals(directory.getFileName())) {
        continue;
      }
      Optional<SessionSummary> summary = SessionSummary.read(sibling);
      if (summary.isPresent()
          && isSameConnection(summary.get().opened(), opened)
          && (latest.isEmpty() || summary.get().startedMicros() > latest.get().startedMicros())) {
        latest = summary;
      }
    }
    return latest.map(
        summary ->
            new Event.Predecessor(
                summary.opened().session(),
                summary.head().events(),
                summary.head().hash(),
                summary.sealed()));
  }

  static boolean isSameConnection(Event.SessionOpened one, Event.SessionOpened other) {
    return one.connection().equals(other.connection())
        && one.identity().namespace().equals(other.identity().namespace());
  }
}
