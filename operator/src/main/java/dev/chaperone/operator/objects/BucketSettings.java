package dev.chaperone.operator.objects;

import java.net.URI;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Which bucket, and how it is spoken to.
 *
 * @param bucket its name
 * @param prefix before all names of objects; empty, or ends with a slash
 * @param region where it is; empty is what the environment says, or {@code us-east-1} where an
 *     endpoint is named
 * @param endpoint of a storage that is not the region's own
 * @param pathStyle whether the bucket's name is in the path, and not in the host's name
 * @param credentials a directory with {@code access-key-id} and {@code secret-access-key}, and
 *     {@code session-token} where there is one; empty is the default chain (such as web identity)
 * @param authorities certificates in PEM that the endpoint is believed by, in place of the system's
 * @param kmsKey the key that the storage encrypts with; empty is the bucket's own encryption
 * @param lock how objects are locked until their retention is over; empty where they are not
 */
public record BucketSettings(
    String bucket,
    String prefix,
    Optional<String> region,
    Optional<URI> endpoint,
    boolean pathStyle,
    Optional<Path> credentials,
    Optional<Path> authorities,
    Optional<String> kmsKey,
    Optional<Lock> lock) {
  private static final Pattern BUCKET = Pattern.compile("[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]");
  private static final Pattern PREFIX = Pattern.compile("([A-Za-z0-9][-A-Za-z0-9_.=]{0,62}/){0,4}");

  /** Who may delete an object before its time. */
  public enum Lock {
    /** Who has the right to get around it. */
    GOVERNANCE,
    /** Nobody. */
    COMPLIANCE
  }

  public BucketSettings {
    Objects.requireNonNull(region, "region");
    Objects.requireNonNull(endpoint, "endpoint");
    Objects.requireNonNull(credentials, "credentials");
    Objects.requireNonNull(authorities, "authorities");
    Objects.requireNonNull(kmsKey, "kmsKey");
    Objects.requireNonNull(lock, "lock");
    if (!BUCKET.matcher(bucket).matches()) {
      throw new IllegalArgumentException("not the name of a bucket: " + bucket);
    }
    if (!PREFIX.matcher(prefix).matches()) {
      throw new IllegalArgumentException(
          "the prefix must be up to 4 plain words, each with a slash behind it: " + prefix);
    }
    endpoint.ifPresent(BucketSettings::check);
  }

  private static void check(URI endpoint) {
    if (!("https".equals(endpoint.getScheme()) || "http".equals(endpoint.getScheme()))
        || endpoint.getHost() == null
        || endpoint.getUserInfo() != null
        || endpoint.getQuery() != null) {
      throw new IllegalArgumentException("the endpoint must be such as https://minio.storage.svc");
    }
  }

  /** Where it is, for people. */
  public String location() {
    return "s3://" + bucket + "/" + prefix;
  }
}
