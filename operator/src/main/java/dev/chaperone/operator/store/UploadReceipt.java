package dev.chaperone.operator.store;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.chaperone.operator.store.RecordingStore.Extent;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.Position;
import dev.chaperone.recording.SessionFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;

/**
 * What object storage has confirmed of a recording: kept beside it, so that who was killed goes on
 * where it was, and in its place when the volume does not have it any more.
 *
 * @param writer this copy's name in object storage
 * @param connection as the recording says
 * @param segment where the upload goes on
 * @param offset where the upload goes on
 * @param bytes how much was uploaded, all segments together
 * @param heads how much of the countersigned heads was uploaded, in bytes
 * @param objects how many there are
 * @param parts an upload in parts that was begun; null where there is none
 * @param whole what the manifest says; null before there is one
 */
record UploadReceipt(
    String writer,
    String namespace,
    String connection,
    int segment,
    long offset,
    long bytes,
    long heads,
    int objects,
    Parts parts,
    Whole whole) {
  /** Beside the segments. */
  static final String NAME = "uploaded.json";

  private static final int MAX_BYTES = 64 << 10;
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /**
   * An upload in parts.
   *
   * @param upload as object storage calls it
   * @param length of the piece
   */
  record Parts(String upload, int length) {
    Parts {
      require(upload != null && length > 0);
    }
  }

  /** How far the recording went when all of it was uploaded. */
  record Whole(long events, String head, long bytes, boolean sealed) {
    Whole {
      require(events >= 0 && head != null && Head.hashOf(head).isPresent() && bytes >= 0);
    }
  }

  UploadReceipt {
    require(writer != null && namespace != null && connection != null);
    require(isPlace(segment, offset));
    require(bytes >= 0 && heads >= 0 && objects >= 0);
  }

  private static boolean isPlace(int segment, long offset) {
    return segment >= 1 && segment <= SessionFiles.MAX_SEGMENTS && offset >= 0;
  }

  private static void require(boolean condition) {
    if (!condition) {
      throw new IllegalArgumentException("no receipt says so");
    }
  }

  /** Of a recording of which nothing was uploaded. */
  static UploadReceipt none(String writer, String namespace, String connection) {
    return new UploadReceipt(writer, namespace, connection, 1, 0, 0, 0, 0, null, null);
  }

  Position at() {
    return new Position(segment, offset);
  }

  UploadReceipt withKey() {
    return new UploadReceipt(
        writer, namespace, connection, segment, offset, bytes, heads, 1, null, whole);
  }

  UploadReceipt inParts(Parts begun) {
    return new UploadReceipt(
        writer, namespace, connection, segment, offset, bytes, heads, objects, begun, whole);
  }

  UploadReceipt withPiece(int ofSegment, long end, long more) {
    return new UploadReceipt(
        writer,
        namespace,
        connection,
        ofSegment,
        end,
        bytes + more,
        heads,
        objects + 1,
        null,
        whole);
  }

  UploadReceipt withHeads(long end) {
    return new UploadReceipt(
        writer, namespace, connection, segment, offset, bytes, end, objects + 1, parts, whole);
  }

  UploadReceipt withManifest(Whole said) {
    return new UploadReceipt(
        writer, namespace, connection, segment, offset, bytes, heads, objects, parts, said);
  }

  /** Whether object storage has all of this, and nothing of it is left to be countersigned. */
  boolean isWhole(Extent extent, CountersignatureFiles.End countersigned) {
    return whole != null
        && whole.events() == extent.head().events()
        && whole.head().equals(extent.head().digest())
        && whole.sealed() == extent.sealed()
        && bytes == extent.bytes()
        && heads == countersigned.offset()
        && countersigned.events() == extent.head().events();
  }

  /** How far the recording goes that object storage has whole. */
  Optional<Extent> extent() {
    return Optional.ofNullable(whole)
        .flatMap(said -> Head.hashOf(said.head()))
        .map(
            hash ->
                new Extent(at(), new Head(whole.events(), hash), whole.bytes(), whole.sealed()));
  }

  static boolean isReceipt(Path file) {
    return file.getFileName().toString().equals(NAME)
        || file.equals(unfinished(file.resolveSibling(NAME)));
  }

  /**
   * Reads one; empty where there is none.
   *
   * @throws IOException when it cannot be read
   */
  static Optional<UploadReceipt> read(Path file) throws IOException {
    byte[] content;
    try (InputStream in = Files.newInputStream(file)) {
      content = in.readNBytes(MAX_BYTES);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    try {
      UploadReceipt receipt = JSON.readValue(content, UploadReceipt.class);
      if (receipt != null) {
        return Optional.of(receipt);
      }
    } catch (IOException e) {
      throw new IOException(file + " is damaged", e);
    }
    throw new IOException(file + " is damaged");
  }

  /**
   * Writes it in the place of what is there.
   *
   * @return how much more room it takes, as the store counts
   */
  long write(Path file) throws IOException {
    byte[] content = JSON.writeValueAsBytes(this);
    Path unfinished = unfinished(file);
    long before = room(file) + room(unfinished);
    Files.deleteIfExists(unfinished);
    try (FileChannel channel =
        FileChannel.open(
            unfinished,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            RecordingStore.OWNER_ONLY)) {
      ByteBuffer rest = ByteBuffer.wrap(content);
      while (rest.hasRemaining()) {
        channel.write(rest);
      }
      channel.force(true);
    }
    Files.move(
        unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return content.length + RecordingStore.FILE_BYTES - before;
  }

  /** No session's name begins with a dot. */
  private static Path unfinished(Path file) {
    return file.resolveSibling("." + file.getFileName() + ".new");
  }

  private static long room(Path file) throws IOException {
    return Files.exists(file) ? Files.size(file) + RecordingStore.FILE_BYTES : 0;
  }
}
