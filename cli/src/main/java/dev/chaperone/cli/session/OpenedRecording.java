package dev.chaperone.cli.session;

import java.io.IOException;
import java.nio.file.Path;

/** A recording that a command reads, and that may go on meanwhile. */
interface OpenedRecording extends AutoCloseable {

  /** Holds its files. */
  Path directory();

  /**
   * Waits a moment for more of it.
   *
   * @return false where nothing more will come
   */
  boolean awaitMore() throws IOException, InterruptedException;

  @Override
  void close() throws IOException;
}
