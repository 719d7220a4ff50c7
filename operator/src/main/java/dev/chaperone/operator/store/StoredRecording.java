package dev.chaperone.operator.store;

import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.SessionFiles;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The files of a recording that was stored: segments, the public key and the countersigned heads.
 * They only become longer.
 */
public sealed interface StoredRecording permits VolumeRecording, ObjectRecording {

  /** A file of it. */
  interface Source extends Closeable {
    /**
     * Reads some of what stands there.
     *
     * @return how many bytes; -1 at the end of the file
     */
    int read(ByteBuffer into, long at) throws IOException;
  }

  /** How long a segment is by now; 0 where it is not begun. */
  default long segmentBytes(int segment) throws IOException {
    return segment > SessionFiles.MAX_SEGMENTS ? 0 : bytes(SessionFiles.segmentName(segment));
  }

  /**
   * How long a file is by now; 0 where there is none.
   *
   * @param name of a segment, of the public key or of the countersigned heads
   */
  long bytes(String name) throws IOException;

  /** Opens a file for reading; up to the length that it has, nothing of it changes any more. */
  Source open(String name) throws IOException;

  /** The key that is beside it. */
  PublicKeyFile key() throws IOException;
}
