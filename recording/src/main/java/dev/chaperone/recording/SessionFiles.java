package dev.chaperone.recording;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Where the recording of a session is: a directory with its segments and its public key. */
public final class SessionFiles {
  private static final Pattern SEGMENT = Pattern.compile("[0-9]{6}\\.seg");

  /** The highest number a segment can have. */
  public static final int MAX_SEGMENTS = 999_999;

  /** A gateway begins another segment soon after one is as long as this, in bytes. */
  public static final long SEGMENT_BYTES = 64L << 20;

  private SessionFiles() {}

  /** The name of a segment's file, such as {@code 000001.seg}. */
  public static String segmentName(int segment) {
    if (segment < 1 || segment > MAX_SEGMENTS) {
      throw new IllegalArgumentException("a session has at most " + MAX_SEGMENTS + " segments");
    }
    return String.format("%06d.seg", segment);
  }

  /** Whether a file of that name is a segment. */
  public static boolean isSegmentName(String name) {
    return SEGMENT.matcher(name).matches();
  }

  static Path segment(Path directory, int segment) {
    return directory.resolve(segmentName(segment));
  }

  /** Whether a directory holds the recording of a session. */
  public static boolean isSession(Path directory) throws IOException {
    return Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)
        && !segments(directory).isEmpty();
  }

  /** Whether a text can be the name of a session, and so of a directory of that name. */
  public static boolean isSessionName(String text) {
    return SegmentHeader.SESSION_NAME.matcher(text).matches();
  }

  /** The sessions that are recorded in a directory, by name. */
  public static List<Path> sessions(Path directory) throws IOException {
    List<Path> sessions = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        if (isSessionName(entry.getFileName().toString()) && isSession(entry)) {
          sessions.add(entry);
        }
      }
    }
    sessions.sort(null);
    return sessions;
  }

  /** The numbers of the segments that are there, in order. */
  static List<Integer> segments(Path directory) throws IOException {
    TreeMap<Integer, Path> found = new TreeMap<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        if (SEGMENT.matcher(name).matches()) {
          found.put(Integer.parseInt(name.substring(0, 6)), entry);
        }
      }
    }
    return List.copyOf(found.keySet());
  }
}
