package dev.chaperone.cli.session;

import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.SessionFiles;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The files of a recording as they come from the cluster, in the stream that
 * docs/recording-format.md describes. Nothing of the stream is believed but what fits: a file has a
 * name that a recording's file can have, and goes on where it ended.
 */
final class RecordingDownload {
  private static final String FIRST_LINE = "chaperone recording 1";
  private static final int LONGEST_LINE = 128;
  private static final int BUFFER_BYTES = 64 << 10;
  private static final Pattern FILE =
      Pattern.compile("file ([a-z0-9.]{1,32}) ([0-9]{1,15}) ([0-9]{1,15})");
  private static final Pattern END =
      Pattern.compile("end [0-9]{1,6}:[0-9]{1,15}:[0-9]{1,15} (whole|more)");

  private final Path directory;
  private final long most;
  private int segment = 1;
  private long bytes;

  /**
   * Into an empty directory.
   *
   * @param most how much it may be, in bytes
   */
  RecordingDownload(Path directory, long most) {
    this.directory = directory;
    this.most = most;
  }

  /** Where it goes on, as the store wants it said. */
  String from() throws IOException {
    return segment
        + ":"
        + size(SessionFiles.segmentName(segment))
        + ":"
        + size(CountersignedHead.FILE_NAME);
  }

  /** How much has come so far, in bytes. */
  long bytes() {
    return bytes;
  }

  private long size(String name) throws IOException {
    Path file = directory.resolve(name);
    return Files.exists(file) ? Files.size(file) : 0;
  }

  /**
   * Takes a stream to its end. What has come before it is cut off stays.
   *
   * @return whether that was all there is for now
   * @throws EOFException where it is cut off
   * @throws IOException where it is not what a store sends
   */
  boolean take(InputStream in) throws IOException {
    if (!line(in).equals(FIRST_LINE)) {
      throw new IOException("the cluster has sent no recording");
    }
    while (true) {
      String line = line(in);
      Matcher end = END.matcher(line);
      if (end.matches()) {
        return end.group(1).equals("whole");
      }
      Matcher file = FILE.matcher(line);
      if (!file.matches()) {
        throw new IOException("the cluster has sent something else than a recording");
      }
      part(in, file.group(1), Long.parseLong(file.group(2)), Long.parseLong(file.group(3)));
    }
  }

  private void part(InputStream in, String name, long from, long length) throws IOException {
    requireName(name);
    boolean key = name.equals(PublicKeyFile.NAME);
    if (from != (key ? 0 : size(name))) {
      throw new IOException("the cluster has left out a part of the recording");
    }
    if (length > most - bytes) {
      throw new IOException(
          "the recording is longer than " + most + " bytes; copy it from its volume");
    }
    byte[] buffer = new byte[BUFFER_BYTES];
    // The key is small, and may come once more.
    StandardOpenOption how = key ? StandardOpenOption.TRUNCATE_EXISTING : StandardOpenOption.APPEND;
    try (OutputStream out =
        Files.newOutputStream(
            directory.resolve(name), StandardOpenOption.CREATE, StandardOpenOption.WRITE, how)) {
      for (long left = length; left > 0; ) {
        int read = in.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (read < 0) {
          throw new EOFException("the download was cut off");
        }
        out.write(buffer, 0, read);
        left -= read;
        bytes += read;
      }
    }
  }

  /** Segments come in order. */
  private void requireName(String name) throws IOException {
    if (name.equals(PublicKeyFile.NAME) || name.equals(CountersignedHead.FILE_NAME)) {
      return;
    }
    if (name.equals(SessionFiles.segmentName(segment))) {
      return;
    }
    if (segment < SessionFiles.MAX_SEGMENTS && name.equals(SessionFiles.segmentName(segment + 1))) {
      segment++;
      return;
    }
    throw new IOException("the cluster has sent a file that is none of the recording");
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int octet = in.read(); octet != '\n'; octet = in.read()) {
      if (octet < 0) {
        throw new EOFException("the download was cut off");
      }
      if (line.length() == LONGEST_LINE) {
        throw new IOException("the cluster has sent something else than a recording");
      }
      line.append((char) octet);
    }
    return line.toString();
  }
}
