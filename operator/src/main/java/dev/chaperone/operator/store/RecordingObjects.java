package dev.chaperone.operator.store;

import dev.chaperone.operator.objects.Bucket;
import dev.chaperone.operator.objects.BucketException;
import dev.chaperone.operator.store.ObjectNames.Parts;
import java.io.IOException;
import java.util.Optional;

/** Recordings in object storage. Safe for use by any thread. */
public final class RecordingObjects {
  /** More objects than these no recording has: {@link ObjectUpload} sees to that. */
  static final int MOST_OBJECTS = 50_000;

  /** A recording may have several copies, of replicas and of volumes that are gone. */
  private static final int MOST_LISTED = 4 * MOST_OBJECTS;

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
        }
        current.found(parts.get().file(), one.bytes());
      }
      listed += page.entries().size();
      if (listed > MOST_LISTED) {
        throw new BucketException(
            BucketException.Reason.FAILED, "object storage lists too many objects of a recording");
      }
    } while (page.more());
    longest = longer(longest, current);
    return longest == null || longest.bytes() == 0 ? Optional.empty() : Optional.of(longest);
  }

  private static ObjectRecording longer(ObjectRecording one, ObjectRecording other) {
    return one == null || (other != null && other.bytes() > one.bytes()) ? other : one;
  }
}
