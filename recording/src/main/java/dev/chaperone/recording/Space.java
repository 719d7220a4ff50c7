package dev.chaperone.recording;

/** Where the frames of a segment go, one behind the other. */
public interface Space {

  /**
   * Appends a frame. Its first four bytes, the length, must become visible last: who reads the file
   * meanwhile, or after the process was killed, sees whole frames only.
   *
   * @param array holds the frame at its beginning; not to be kept
   * @param length of the frame, a multiple of 4, at most {@link #MAX_FRAME_BYTES}
   * @return whether there was room; if not, nothing was changed
   */
  boolean append(byte[] array, int length);

  /** The longest frame. */
  int MAX_FRAME_BYTES = Format.MAX_FRAME_BYTES;
}
