package dev.chaperone.operator.store;

import dev.chaperone.operator.objects.Bucket;
import dev.chaperone.recording.PublicKeyFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The files of a recording in object storage, as they were when it was looked for. What is read is
 * what is there: who verifies it does so as with files of a volume.
 */
final class ObjectRecording implements StoredRecording {
  private static final int MOST_KEY = 4 << 10;

  /** Some of a file, as one object. */
  private record Piece(long offset, long bytes) {}

  private final Bucket bucket;
  private final String copy;
  private final Map<String, List<Piece>> files = new HashMap<>();
  private long keyBytes;
  private long bytes;

  /**
   * One of which nothing is known yet.
   *
   * @param copy what the names of its objects begin with
   */
  ObjectRecording(Bucket bucket, String copy) {
    this.bucket = bucket;
    this.copy = copy;
  }

  /** One of its objects; in the order of their names. */
  void found(String object, long length) {
    if (object.equals(PublicKeyFile.NAME)) {
      keyBytes = length;
      return;
    }
    ObjectNames.piece(object)
        .ifPresent(
            piece -> {
              // What was uploaded again reaches further than before. Behind a gap there is nothing.
              if (length > 0 && piece.offset() == bytes(piece.file())) {
                files
                    .computeIfAbsent(piece.file(), name -> new ArrayList<>(1))
                    .add(new Piece(piece.offset(), length));
                bytes += length;
              }
            });
  }

  /** How much there is of it. */
  long bytes() {
    return bytes;
  }

  @Override
  public long bytes(String name) {
    if (name.equals(PublicKeyFile.NAME)) {
      return keyBytes;
    }
    List<Piece> pieces = files.getOrDefault(name, List.of());
    return pieces.isEmpty()
        ? 0
        : pieces.get(pieces.size() - 1).offset() + pieces.get(pieces.size() - 1).bytes();
  }

  @Override
  public PublicKeyFile key() throws IOException {
    if (keyBytes < 1 || keyBytes > MOST_KEY) {
      throw new IOException("the recording has no public key in object storage");
    }
    byte[] pem = bucket.read(copy + PublicKeyFile.NAME, 0, (int) keyBytes);
    List<PublicKeyFile> keys = PublicKeyFile.parseAll(new String(pem, StandardCharsets.US_ASCII));
    if (keys.size() != 1) {
      throw new IOException("the recording has more than one public key in object storage");
    }
    return keys.get(0);
  }

  @Override
  public Source open(String name) {
    return new Pieces(name);
  }

  private Piece at(String name, long at) {
    List<Piece> pieces = files.getOrDefault(name, List.of());
    int low = 0;
    int high = pieces.size() - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (pieces.get(middle).offset() <= at) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return pieces.get(low);
  }

  /** Reads ahead, for files are read from one end to the other. */
  private final class Pieces implements Source {
    private final String name;
    private byte[] ahead = new byte[0];
    private long aheadAt;

    Pieces(String name) {
      this.name = name;
    }

    @Override
    public int read(ByteBuffer into, long at) throws IOException {
      if (at >= bytes(name)) {
        return -1;
      }
      if (at < aheadAt || at >= aheadAt + ahead.length) {
        fetch(at);
      }
      int from = (int) (at - aheadAt);
      int length = Math.min(into.remaining(), ahead.length - from);
      into.put(ahead, from, length);
      return length;
    }

    private void fetch(long at) throws IOException {
      if (name.equals(PublicKeyFile.NAME)) {
        ahead = bucket.read(copy + name, at, (int) Math.min(Bucket.MOST_READ, keyBytes - at));
      } else {
        Piece piece = at(name, at);
        long inside = at - piece.offset();
        ahead =
            bucket.read(
                copy + ObjectNames.piece(name, piece.offset()),
                inside,
                (int) Math.min(Bucket.MOST_READ, piece.bytes() - inside));
      }
      aheadAt = at;
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }
}
