package dev.chaperone.cli.session;

import dev.chaperone.cli.status.StatusOption;
import java.io.IOException;
import java.io.PrintWriter;
import picocli.CommandLine.Mixin;

/** Recordings of the gateway whose directory is named. */
public final class DirectoryRecordingsOption implements RecordingsOption {
  @Mixin private StatusOption status;

  /** With nothing set. */
  public DirectoryRecordingsOption() {}

  @Override
  public OpenedRecording open(String session, PrintWriter notices) throws IOException {
    DirectorySessions sessions = new DirectorySessions(status.locate());
    LeftInMemory.complete(sessions.recordings(), notices);
    return new DirectoryRecording(sessions, session);
  }
}
