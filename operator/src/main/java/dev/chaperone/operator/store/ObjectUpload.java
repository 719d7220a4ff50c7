package dev.chaperone.operator.store;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.operator.objects.Bucket;
import dev.chaperone.operator.objects.BucketException;
import dev.chaperone.operator.store.RecordingStore.Extent;
import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.SessionFiles;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Brings to object storage what it does not have of one recording: verified bytes of the volume,
 * then the countersigned heads, and last a manifest. Each step counts when the storage has
 * confirmed length and checksum, and is written down beside the recording, so that it goes on there
 * after the process was killed. Where that was not written down any more, the same object is
 * written again, with at least what it had.
 */
final class ObjectUpload {
  private static final System.Logger LOGGER = System.getLogger(ObjectUpload.class.getName());

  /** The longest object. A gateway closes its segments at this size. */
  static final int MOST_PIECE = 64 << 20;

  /** The longest that is sent, and held in memory, at once. The least that S3 takes is 5 MiB. */
  static final int PART = 8 << 20;

  /** How long objects are locked of a connection that is not there any more. */
  private static final Duration LOCKED = Duration.ofDays(30);

  /** More than this nobody locks by mistake. */
  private static final Duration LONGEST_LOCK = Duration.ofDays(3_650);

  private final RecordingStore store;
  private final Bucket bucket;
  private final StoreRetention.Connections connections;
  private final Clock clock;
  private final ObjectMetrics metrics;
  private final StoredSession session;
  private final PublicKeyFile key;
  private final Path directory;

  ObjectUpload(
      RecordingStore store,
      Bucket bucket,
      StoreRetention.Connections connections,
      Clock clock,
      ObjectMetrics metrics,
      StoredSession session,
      PublicKeyFile key) {
    this.store = store;
    this.bucket = bucket;
    this.connections = connections;
    this.clock = clock;
    this.metrics = metrics;
    this.session = session;
    this.key = key;
    this.directory = session.directory(store.settings().directory());
  }

  /** What was uploaded of it before; of one that begins, nothing. */
  UploadReceipt receipt() throws IOException {
    Optional<UploadReceipt> known = UploadReceipt.read(directory.resolve(UploadReceipt.NAME));
    if (known.isPresent()) {
      return known.get();
    }
    String connection =
        StoreRetention.opened(directory).map(Event.SessionOpened::connection).orElse("");
    String life = UUID.randomUUID().toString().replace("-", "").substring(0, 12);
    return UploadReceipt.none(
        store.settings().replica() + "." + life, session.pod().namespace(), connection);
  }

  /**
   * Uploads all that was stored of it when this began.
   *
   * @return what was uploaded by now
   */
  UploadReceipt run(UploadReceipt from, Extent extent) throws IOException {
    String copy = ObjectNames.copy(session, from.writer());
    Instant until = until(from);
    UploadReceipt receipt = from;
    if (receipt.objects() == 0) {
      byte[] pem = key.pem().getBytes(StandardCharsets.US_ASCII);
      bucket.put(copy + PublicKeyFile.NAME, pem, until);
      receipt = kept(receipt.withKey());
    }
    while (receipt.bytes() < extent.bytes()) {
      receipt = piece(copy, receipt, extent, until);
    }
    receipt = heads(copy, receipt, until);
    boolean earlier = from.whole() != null;
    UploadReceipt.Whole whole =
        new UploadReceipt.Whole(
            extent.head().events(), extent.head().digest(), extent.bytes(), extent.sealed());
    if (extent.sealed() && earlier && bucket.locks()) {
      lockAll(copy, until);
    }
    bucket.put(copy + ObjectNames.MANIFEST, manifest(receipt, whole), until);
    return kept(receipt.withManifest(whole));
  }

  private UploadReceipt kept(UploadReceipt receipt) throws IOException {
    store.keep(session, receipt);
    return receipt;
  }

  private Instant until(UploadReceipt receipt) {
    Duration kept = connections.kept(receipt.namespace(), receipt.connection()).orElse(LOCKED);
    return Instant.now(clock).plus(kept.compareTo(LONGEST_LOCK) > 0 ? LONGEST_LOCK : kept);
  }

  // ---- segments

  private UploadReceipt piece(String copy, UploadReceipt receipt, Extent extent, Instant until)
      throws IOException {
    requireRoom(receipt);
    int segment = receipt.segment();
    long at = receipt.offset();
    long size = size(segment, extent);
    if (at == size && segment < extent.position().segment()) {
      segment++;
      at = 0;
      size = size(segment, extent);
    }
    if (at >= size) {
      throw new IOException(
          directory + " is shorter than what was uploaded: the store was changed");
    }
    String file = SessionFiles.segmentName(segment);
    String name = copy + ObjectNames.piece(file, at);
    boolean goesOn = receipt.parts() != null;
    int length = goesOn ? receipt.parts().length() : (int) Math.min(MOST_PIECE, size - at);
    if (length < 1 || length > MOST_PIECE || at + length > size) {
      throw new IOException(directory.resolve(UploadReceipt.NAME) + " is damaged");
    }
    if (length <= PART) {
      bucket.put(name, read(file, at, length), until);
    } else {
      UploadReceipt begun = receipt;
      if (!goesOn) {
        String upload = bucket.begin(name, until);
        begun = kept(receipt.inParts(new UploadReceipt.Parts(upload, length)));
      }
      try {
        parts(name, file, at, begun.parts());
      } catch (BucketException e) {
        if (e.reason() == BucketException.Reason.MISSING
            || e.reason() == BucketException.Reason.CHANGED) {
          // It was given up there, or completed before that was written down.
          giveUp(name, begun);
        }
        throw e;
      }
    }
    metrics.uploaded(length);
    return kept(receipt.withPiece(segment, at + length, length));
  }

  private void giveUp(String name, UploadReceipt begun) throws IOException {
    kept(begun.inParts(null));
    try {
      bucket.abort(name, begun.parts().upload());
    } catch (BucketException e) {
      LOGGER.log(System.Logger.Level.DEBUG, "an upload was not given up: {0}", e.getMessage());
    }
  }

  /** Sends the parts that the storage does not have, and makes an object of all. */
  private void parts(String name, String file, long at, UploadReceipt.Parts begun)
      throws IOException {
    Map<Integer, Bucket.Part> there = new TreeMap<>();
    bucket.parts(name, begun.upload()).forEach(part -> there.put(part.number(), part));
    List<Bucket.Part> all = new ArrayList<>();
    MessageDigest whole = Bucket.sha256();
    for (int from = 0; from < begun.length(); from += PART) {
      byte[] content = read(file, at + from, Math.min(PART, begun.length() - from));
      whole.update(content);
      int number = from / PART + 1;
      Bucket.Part part = there.get(number);
      String digest = Bucket.base64(Bucket.sha256().digest(content));
      boolean has = part != null && part.bytes() == content.length && part.sha256().equals(digest);
      all.add(has ? part : bucket.upload(name, begun.upload(), number, content));
    }
    bucket.complete(name, begun.upload(), all, whole.digest());
  }

  private long size(int segment, Extent extent) throws IOException {
    return segment == extent.position().segment()
        ? extent.position().offset()
        : Files.size(directory.resolve(SessionFiles.segmentName(segment)));
  }

  private byte[] read(String file, long at, int length) throws IOException {
    ByteBuffer content = ByteBuffer.allocate(length);
    try (FileChannel channel =
        FileChannel.open(
            directory.resolve(file), StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      while (content.hasRemaining()) {
        if (channel.read(content, at + content.position()) < 0) {
          throw new EOFException(directory.resolve(file) + " became shorter");
        }
      }
    }
    return content.array();
  }

  private void requireRoom(UploadReceipt receipt) throws IOException {
    if (receipt.objects() >= RecordingObjects.MOST_OBJECTS) {
      throw new IOException(
          session + " has more than " + RecordingObjects.MOST_OBJECTS + " objects; it stays here");
    }
  }

  // ---- what stands beside them

  private UploadReceipt heads(String copy, UploadReceipt from, Instant until) throws IOException {
    UploadReceipt receipt = from;
    long end = store.countersigned(session).offset();
    while (receipt.heads() < end) {
      requireRoom(receipt);
      long at = receipt.heads();
      int length = (int) Math.min(PART, end - at);
      bucket.put(
          copy + ObjectNames.piece(CountersignedHead.FILE_NAME, at),
          read(CountersignedHead.FILE_NAME, at, length),
          until);
      receipt = kept(receipt.withHeads(at + length));
    }
    return receipt;
  }

  /** Pieces of a long session were locked when they were uploaded; now its end is known. */
  private void lockAll(String copy, Instant until) throws IOException {
    String after = "";
    Bucket.Page page;
    do {
      page = bucket.list(copy, after);
      for (Bucket.Entry one : page.entries()) {
        after = one.name();
        try {
          bucket.lock(one.name(), until);
        } catch (BucketException e) {
          if (e.reason() != BucketException.Reason.DENIED) {
            throw e;
          }
          // It may be locked for longer, where the connection's retention was shortened since.
          metrics.failed(e);
          LOGGER.log(
              System.Logger.Level.WARNING,
              "recording not locked until the end of its retention session={0} cause=\"{1}\"",
              session,
              e.getMessage());
          return;
        }
      }
    } while (page.more());
  }

  private byte[] manifest(UploadReceipt receipt, UploadReceipt.Whole whole) {
    ObjectNode manifest = JsonNodeFactory.instance.objectNode();
    manifest
        .put("format", "chaperone recording objects 1")
        .put("namespace", receipt.namespace())
        .put("connection", receipt.connection())
        .put("pod", session.pod().name())
        .put("podUid", session.pod().uid())
        .put("session", session.session())
        .put("writer", receipt.writer())
        .put("recordingKey", Head.digest(key.id()))
        .put("events", whole.events())
        .put("head", whole.head())
        .put("bytes", whole.bytes())
        .put("countersignedBytes", receipt.heads())
        .put("sealed", whole.sealed());
    return (manifest.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8);
  }
}
