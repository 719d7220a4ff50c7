package dev.chaperone.cli.session;

import dev.chaperone.recording.memory.Recovery;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Completes recordings before they are looked at: what a gateway that was killed had recorded, and
 * not brought to the disk, is added, as its next start would.
 */
final class LeftInMemory {
  private LeftInMemory() {}

  /**
   * Completes them and says so.
   *
   * @param recordings holds a directory for each session
   */
  static void complete(Path recordings, PrintWriter errors) throws IOException {
    if (!Files.isDirectory(recordings)) {
      return;
    }
    for (Recovery.Recovered one : new Recovery(recordings).run()) {
      if (one.failure().isPresent()) {
        errors.println(
            "warning: the end of "
                + one.session()
                + " is in memory and could not be written: "
                + one.failure().get());
      } else if (one.bytes() > 0) {
        errors.println(
            "notice: the gateway of " + one.session() + " was killed; its recording was completed");
      }
    }
    errors.flush();
  }
}
