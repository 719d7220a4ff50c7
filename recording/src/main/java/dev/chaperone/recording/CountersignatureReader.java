package dev.chaperone.recording;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;

/**
 * Reads the heads that a store has countersigned, those that are there when it is opened. Whether
 * their signatures are right is for others to say. Memory is bounded by one entry.
 */
public final class CountersignatureReader implements Closeable {
  /**
   * One of them.
   *
   * @param offset where it stands in the file
   */
  public record Countersignature(CountersignedHead signed, Bytes signature, long offset) {

    /** Whether that key has signed it. */
    public boolean isOf(PublicKeyFile key) {
      return key.id().equals(signed.storeKey()) && key.verifies(signed.message(), signature);
    }
  }

  private final long size;
  private final InputStream in;
  private long position;

  /**
   * Opens the file.
   *
   * @throws java.nio.file.NoSuchFileException when nothing was countersigned
   */
  public CountersignatureReader(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
    this.size = channel.size();
    this.in = new BufferedInputStream(Channels.newInputStream(channel));
  }

  /** Where the next one begins. */
  public long position() {
    return position;
  }

  /** How much stands behind the last one, after {@link #next()} found none. */
  public long rest() {
    return size - position;
  }

  /**
   * Reads the next one.
   *
   * @return empty where there is none; {@link #rest()} may be one that was being written
   * @throws MalformedRecordingException when what stands there was not written by a store
   */
  public Optional<Countersignature> next() throws IOException, MalformedRecordingException {
    long left = size - position;
    byte[] beginning = in.readNBytes((int) Math.min(left, CountersignedHead.BEGINNING_BYTES));
    if (beginning.length < CountersignedHead.BEGINNING_BYTES) {
      return Optional.empty();
    }
    if (left <= CountersignedHead.MAX_BYTES && isZeros(beginning, (int) left)) {
      return Optional.empty();
    }
    int length = CountersignedHead.length(beginning);
    byte[] entry = Arrays.copyOf(beginning, length);
    int there = (int) Math.min(left, length);
    int read = in.readNBytes(entry, beginning.length, there - beginning.length);
    if (beginning.length + read < length) {
      CountersignedHead.requireLength(entry, beginning.length + read);
      return Optional.empty();
    }
    CountersignedHead head = CountersignedHead.decode(entry);
    Bytes signature = Bytes.copy(entry, length - Format.SIGNATURE_BYTES, Format.SIGNATURE_BYTES);
    Countersignature next = new Countersignature(head, signature, position);
    position += length;
    return Optional.of(next);
  }

  /** Room that a file was given and that was not written before the machine failed. */
  private boolean isZeros(byte[] beginning, int left) throws IOException {
    for (byte one : beginning) {
      if (one != 0) {
        return false;
      }
    }
    for (byte one : in.readNBytes(left - beginning.length)) {
      if (one != 0) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
