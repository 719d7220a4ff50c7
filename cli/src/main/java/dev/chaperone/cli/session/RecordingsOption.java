package dev.chaperone.cli.session;

import java.io.IOException;
import java.io.PrintWriter;

/** Options that say where recordings are. */
public interface RecordingsOption {

  /**
   * Opens the recording of a session, all that is there of it.
   *
   * @param notices is told what else was done
   */
  OpenedRecording open(String session, PrintWriter notices)
      throws IOException, InterruptedException;
}
