package dev.chaperone.operator.reading;

import dev.chaperone.operator.reading.RecordingRequest.From;
import dev.chaperone.operator.store.StoredRecording;
import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.Position;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.SessionFiles;
import io.vertx.core.buffer.Buffer;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * The files of a recording as one stream: parts of files, each with its name, its place and its
 * length in front, then a line that says that nothing was cut off. docs/recording-format.md has it.
 * The countersigned heads come first: what they cover is in the segments that follow.
 */
final class RecordingStream {
  static final String FIRST_LINE = "chaperone recording 1\n";
  private static final int BUFFER_BYTES = 64 << 10;

  /** The longest part. */
  private static final long PART_BYTES = 4 << 20;

  private static final long LOOK_MILLIS = 250;

  /** Who reads it, and may be slow. */
  interface Reader {
    /** Takes this; returns when there is room for more. */
    void take(Buffer buffer) throws IOException, InterruptedException;

    /** Whether it is gone. */
    boolean isGone();
  }

  private final StoredRecording recording;
  private final From from;
  private final Reader reader;
  private long sent;

  RecordingStream(StoredRecording recording, From from, Reader reader) {
    this.recording = recording;
    this.from = from;
    this.reader = reader;
  }

  /**
   * Sees to it that there is such a place.
   *
   * @throws ApiException where the recording is shorter
   */
  void check() throws IOException, ApiException {
    if (from.at().offset() > recording.segmentBytes(from.at().segment())
        || from.heads() > recording.bytes(CountersignedHead.FILE_NAME)) {
      throw ApiException.badRequest("the recording is shorter than where the download goes on");
    }
  }

  /** Waits until there is more, or for so long. */
  void awaitMore(Duration most) throws IOException, InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    while (!isMore() && !reader.isGone() && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
    }
  }

  private boolean isMore() throws IOException {
    Position at = from.at();
    return recording.segmentBytes(at.segment()) > at.offset()
        || recording.segmentBytes(at.segment() + 1) > 0
        || recording.bytes(CountersignedHead.FILE_NAME) > from.heads();
  }

  /**
   * Sends what is there.
   *
   * @param most how long that may take; then it says where to go on
   * @return how many bytes of files were sent
   */
  long send(Duration most) throws IOException, InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    line(FIRST_LINE);
    if (from.at().equals(Position.START)) {
      part(PublicKeyFile.NAME, 0, recording.bytes(PublicKeyFile.NAME));
    }
    long heads = parts(CountersignedHead.FILE_NAME, from.heads(), end);
    int segment = from.at().segment();
    long at = from.at().offset();
    boolean whole = false;
    while (!whole && System.nanoTime() < end) {
      at = parts(SessionFiles.segmentName(segment), at, end);
      if (at < recording.segmentBytes(segment)) {
        continue;
      }
      if (segment < SessionFiles.MAX_SEGMENTS && recording.segmentBytes(segment + 1) > 0) {
        segment++;
        at = 0;
      } else {
        whole = true;
      }
    }
    if (recording.bytes(PublicKeyFile.NAME) == 0) {
      // It left the volume meanwhile: what has no end is asked for anew, where it is now.
      throw new EOFException("the recording is not there any more");
    }
    line("end " + new From(new Position(segment, at), heads) + (whole ? " whole\n" : " more\n"));
    return sent;
  }

  /** What is there of a file now, as far as there is time; up to where it was sent. */
  private long parts(String name, long from, long end) throws IOException, InterruptedException {
    long size = recording.bytes(name);
    long at = from;
    while (at < size && System.nanoTime() < end) {
      long length = Math.min(PART_BYTES, size - at);
      part(name, at, length);
      at += length;
    }
    return at;
  }

  private void part(String name, long from, long length) throws IOException, InterruptedException {
    line("file " + name + " " + from + " " + length + "\n");
    try (StoredRecording.Source source = recording.open(name)) {
      long at = from;
      while (at < from + length) {
        ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(BUFFER_BYTES, from + length - at));
        while (bytes.hasRemaining()) {
          if (source.read(bytes, at + bytes.position()) < 0) {
            throw new EOFException(name + " became shorter");
          }
        }
        reader.take(Buffer.buffer(bytes.array()));
        at += bytes.capacity();
        sent += bytes.capacity();
      }
    }
  }

  private void line(String line) throws IOException, InterruptedException {
    reader.take(Buffer.buffer(line));
  }
}
