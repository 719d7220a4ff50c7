package dev.chaperone.operator.store;

import dev.chaperone.operator.objects.Bucket;
import dev.chaperone.operator.objects.BucketException;
import dev.chaperone.operator.store.ObjectNames.Parts;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Recordings in object storage. Safe for use by any thread. */
public final class RecordingObjects {
  /** More objects than these no recording has: {@link ObjectUpload} sees to that. */
  static final int MOST_OBJECTS = 20_000;

  /** A page, the key and the manifest: what a list may end behind. */
  private static final int FURTHER = 1_100;

  /** A recording may have several copies, of replicas and of volumes that are gone. */
  private static final int MOST_LISTED = 4 * MOST_OBJECTS;

  /** How long that may take that is waited for. */
  private static final long LISTING_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final Bucket bucket;
  private final ObjectSettings settings;

  /** In this bucket, which stays the caller's to close. */
  public RecordingObjects(Bucket bucket, ObjectSettings settings) {
    this.bucket = bucket;
    this.settings = settings;
  }

  ObjectSettings settings() {
    return settings;
  }

  /** Where all that there is of a recording is, for people. */
  public String location(String namespace, String podUid, String session) {
    return bucket.location() + ObjectNames.session(namespace, podUid, session);
  }

  Bucket bucket() {
    return bucket;
  }

  /**
   * A recording, as it is now: the longest of its copies. Empty where there is none.
   *
   * @throws IOException where object storage does not say
   */
  public Optional<StoredRecording> recording(String namespace, String podUid, String session)
      throws IOException {
    String prefix = ObjectNames.session(namespace, podUid, session);
    ObjectRecording longest = null;
    ObjectRecording current = null;
    String copy = "";
    String after = "";
    int listed = 0;
    int ofCopy = 0;
    long end = System.nanoTime() + LISTING_NANOS;
    Bucket.Page page;
    do {
      page = bucket.list(prefix, after);
      for (Bucket.Entry one : page.entries()) {
        after = one.name();
        Optional<Parts> parts = ObjectNames.parts(one.name());
        if (parts.isEmpty()) {
          continue;
        }
        if (!parts.get().copy().equals(copy)) {
          longest = longer(longest, current);
          copy = parts.get().copy();
          current = new ObjectRecording(bucket, copy);
          ofCopy = 0;
        }
        ofCopy++;
        current.found(parts.get().file(), one.bytes());
      }
      listed += page.entries().size();
      if (listed > MOST_LISTED || ofCopy > MOST_OBJECTS + FURTHER) {
        throw new BucketException(
            BucketException.Reason.FAILED, "object storage lists too many objects of a recording");
      }
      if (System.nanoTime() > end) {
        throw new BucketException(
            BucketException.Reason.AWAY, "object storage takes too long to list a recording");
      }
    } while (page.more());
    longest = longer(longest, current);
    return longest == null || longest.bytes() == 0 ? Optional.empty() : Optional.of(longest);
  }

  private static ObjectRecording longer(ObjectRecording one, ObjectRecording other) {
    return one == null || (other != null && other.bytes() > one.bytes()) ? other : one;
  }
}
