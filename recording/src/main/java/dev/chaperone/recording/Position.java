package dev.chaperone.recording;

/**
 * A place in a recording where a header or an event begins.
 *
 * @param segment from 1
 * @param offset in the segment's file, in bytes; 0 where its header begins
 */
public record Position(int segment, long offset) {
  /** Where every recording begins. */
  public static final Position START = new Position(1, 0);

  public Position {
    if (segment < 1 || segment > SessionFiles.MAX_SEGMENTS || offset < 0) {
      throw new IllegalArgumentException("no place in a recording");
    }
  }

  /** The beginning of the next segment. */
  Position nextSegment() {
    return new Position(segment + 1, 0);
  }

  @Override
  public String toString() {
    return SessionFiles.segmentName(segment) + ":" + offset;
  }
}
