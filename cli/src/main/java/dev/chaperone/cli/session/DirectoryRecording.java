package dev.chaperone.cli.session;

import dev.chaperone.crds.v1alpha1.SessionPhase;
import java.io.IOException;
import java.nio.file.Path;

/** A recording in the status directory of a gateway, which writes it. */
final class DirectoryRecording implements OpenedRecording {
  private static final long LOOK_MILLIS = 100;

  /** How often it is waited before it is asked whether the session is over. */
  private static final int LOOKS_BEFORE_ASKING = 10;

  private final DirectorySessions sessions;
  private final String name;
  private final Path directory;
  private int looks;

  DirectoryRecording(DirectorySessions sessions, String name) throws IOException {
    this.sessions = sessions;
    this.name = name;
    this.directory = sessions.recording(name);
  }

  @Override
  public Path directory() {
    return directory;
  }

  @Override
  public boolean awaitMore() throws IOException, InterruptedException {
    looks++;
    if (looks % LOOKS_BEFORE_ASKING == 0
        && Sessions.phase(sessions.read(name)) != SessionPhase.ACTIVE) {
      return false;
    }
    Thread.sleep(LOOK_MILLIS);
    return true;
  }

  @Override
  public void close() {
    // The files are the gateway's.
  }
}
