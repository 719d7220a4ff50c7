package dev.chaperone.operator.objects;

import dev.chaperone.operator.objects.BucketException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.core.sync.ResponseTransformer;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.ChecksumMode;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectVersionsResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.ListPartsResponse;
import software.amazon.awssdk.services.s3.model.ObjectLockMode;
import software.amazon.awssdk.services.s3.model.ObjectLockRetentionMode;
import software.amazon.awssdk.services.s3.model.ObjectVersion;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Object;
import software.amazon.awssdk.services.s3.model.ServerSideEncryption;

/**
 * One bucket. Everything waits, but not for ever: each attempt and each call has its deadline. Safe
 * for use by any thread.
 */
public final class Bucket implements AutoCloseable {
  /** The longest content that is read at once. */
  public static final int MOST_READ = 1 << 20;

  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration SILENCE = Duration.ofSeconds(15);
  private static final Duration ATTEMPT = Duration.ofSeconds(60);
  private static final Duration CALL = Duration.ofSeconds(150);

  /** Somebody waits for the answer. */
  private static final Duration QUESTION = Duration.ofSeconds(15);

  private static final String ANY_REGION = "us-east-1";

  /**
   * An object, as a list has it.
   *
   * @param name without the bucket's prefix
   */
  public record Entry(String name, long bytes, Instant changed) {}

  /**
   * Some objects, in the order of their names.
   *
   * @param more whether there are more behind them
   */
  public record Page(List<Entry> entries, boolean more) {}

  /**
   * A version of an object.
   *
   * @param name without the bucket's prefix
   * @param version empty where the bucket keeps none
   */
  public record Version(String name, String version) {}

  /**
   * A part of an upload that the storage has.
   *
   * @param number from 1
   * @param sha256 of its content, in Base64; empty where the storage does not say
   * @param tag what the storage calls it
   */
  public record Part(int number, long bytes, String sha256, String tag) {}

  private final BucketSettings settings;
  private final S3Client client;
  private final AwsCredentialsProvider credentials;

  private Bucket(BucketSettings settings, S3Client client, AwsCredentialsProvider credentials) {
    this.settings = settings;
    this.client = client;
    this.credentials = credentials;
  }

  /**
   * Prepares to speak to it; nothing is asked yet.
   *
   * @throws IOException where the certificates cannot be read
   */
  public static Bucket open(BucketSettings settings) throws IOException {
    UrlConnectionHttpClient.Builder http =
        UrlConnectionHttpClient.builder().connectionTimeout(CONNECT).socketTimeout(SILENCE);
    if (settings.authorities().isPresent()) {
      TrustManager[] trusted = trust(settings.authorities().get());
      http.tlsTrustManagersProvider(() -> trusted);
    }
    AwsCredentialsProvider credentials =
        settings
            .credentials()
            .<AwsCredentialsProvider>map(CredentialFiles::new)
            .orElseGet(() -> DefaultCredentialsProvider.builder().build());
    S3ClientBuilder builder =
        S3Client.builder()
            .httpClientBuilder(http)
            .credentialsProvider(credentials)
            .forcePathStyle(settings.pathStyle())
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .overrideConfiguration(
                ClientOverrideConfiguration.builder()
                    .apiCallAttemptTimeout(ATTEMPT)
                    .apiCallTimeout(CALL)
                    .retryStrategy(RetryMode.STANDARD)
                    .addExecutionInterceptor(new BoundedAnswers())
                    .build());
    Optional<String> region =
        settings.region().or(() -> settings.endpoint().map(endpoint -> ANY_REGION));
    region.map(Region::of).ifPresent(builder::region);
    settings.endpoint().ifPresent(builder::endpointOverride);
    try {
      return new Bucket(settings, builder.build(), credentials);
    } catch (SdkException e) {
      throw new IOException("object storage cannot be used: no region is named", e);
    }
  }

  private static TrustManager[] trust(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      int number = 0;
      for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("authority-" + number++, one);
      }
      if (number == 0) {
        throw new IOException(file + " holds no certificate");
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return factory.getTrustManagers();
    } catch (GeneralSecurityException e) {
      throw new IOException(file + " holds no certificates in PEM", e);
    }
  }

  /** Where it is, for people. */
  public String location() {
    return settings.location();
  }

  /** Whether objects can be locked. */
  public boolean locks() {
    return settings.lock().isPresent();
  }

  // ---- writing

  /**
   * Writes an object, over one of the same name where there is one.
   *
   * @param until when it may be deleted, where the bucket locks
   * @throws BucketException when the storage did not confirm that it has exactly that
   */
  public void put(String name, byte[] content, Instant until) throws IOException {
    byte[] digest = sha256(content);
    PutObjectRequest.Builder request =
        PutObjectRequest.builder()
            .bucket(settings.bucket())
            .key(key(name))
            .checksumSHA256(base64(digest));
    settings
        .kmsKey()
        .ifPresent(
            one -> request.serverSideEncryption(ServerSideEncryption.AWS_KMS).ssekmsKeyId(one));
    settings
        .lock()
        .ifPresent(
            mode ->
                request
                    .objectLockMode(ObjectLockMode.fromValue(mode.name()))
                    .objectLockRetainUntilDate(until));
    call(() -> client.putObject(request.build(), body(content)));
    confirm(name, content.length, base64(digest), digest);
  }

  /** Begins an upload in parts; what {@link #upload} and {@link #complete} go by. */
  public String begin(String name, Instant until) throws IOException {
    CreateMultipartUploadRequest.Builder request =
        CreateMultipartUploadRequest.builder()
            .bucket(settings.bucket())
            .key(key(name))
            .checksumAlgorithm(ChecksumAlgorithm.SHA256);
    settings
        .kmsKey()
        .ifPresent(
            one -> request.serverSideEncryption(ServerSideEncryption.AWS_KMS).ssekmsKeyId(one));
    settings
        .lock()
        .ifPresent(
            mode ->
                request
                    .objectLockMode(ObjectLockMode.fromValue(mode.name()))
                    .objectLockRetainUntilDate(until));
    String id = call(() -> client.createMultipartUpload(request.build())).uploadId();
    if (id == null || id.isEmpty() || id.length() > 2_048) {
      throw new BucketException(Reason.FAILED, "object storage began an upload without a name");
    }
    return id;
  }

  /** The parts that the storage has of an upload, by number. */
  public List<Part> parts(String name, String upload) throws IOException {
    ListPartsResponse answer =
        call(
            () ->
                client.listParts(
                    request ->
                        request
                            .bucket(settings.bucket())
                            .key(key(name))
                            .uploadId(upload)
                            .overrideConfiguration(c -> c.apiCallTimeout(QUESTION))));
    List<Part> parts = new ArrayList<>();
    for (var one : answer.parts()) {
      if (one.partNumber() != null && one.size() != null && one.eTag() != null) {
        parts.add(
            new Part(
                one.partNumber(),
                one.size(),
                one.checksumSHA256() == null ? "" : one.checksumSHA256(),
                one.eTag()));
      }
    }
    return parts;
  }

  /** Sends a part. */
  public Part upload(String name, String upload, int number, byte[] content) throws IOException {
    String digest = base64(sha256(content));
    String tag =
        call(() ->
                client.uploadPart(
                    request ->
                        request
                            .bucket(settings.bucket())
                            .key(key(name))
                            .uploadId(upload)
                            .partNumber(number)
                            .checksumSHA256(digest),
                    body(content)))
            .eTag();
    if (tag == null) {
      throw new BucketException(Reason.FAILED, "object storage took a part without a tag");
    }
    return new Part(number, content.length, digest, tag);
  }

  /**
   * Makes an object of all parts of an upload.
   *
   * @param digest of the whole content
   * @throws BucketException when the storage did not confirm that it has exactly that
   */
  public void complete(String name, String upload, List<Part> parts, byte[] digest)
      throws IOException {
    List<CompletedPart> all = new ArrayList<>();
    MessageDigest ofParts = sha256();
    long bytes = 0;
    for (Part one : parts) {
      all.add(
          CompletedPart.builder()
              .partNumber(one.number())
              .eTag(one.tag())
              .checksumSHA256(one.sha256())
              .build());
      ofParts.update(Base64.getDecoder().decode(one.sha256()));
      bytes += one.bytes();
    }
    call(
        () ->
            client.completeMultipartUpload(
                request ->
                    request
                        .bucket(settings.bucket())
                        .key(key(name))
                        .uploadId(upload)
                        .multipartUpload(m -> m.parts(all))));
    confirm(name, bytes, base64(ofParts.digest()) + "-" + parts.size(), digest);
  }

  /** Gives an upload up. */
  public void abort(String name, String upload) throws IOException {
    call(
        () ->
            client.abortMultipartUpload(
                request ->
                    request
                        .bucket(settings.bucket())
                        .key(key(name))
                        .uploadId(upload)
                        .overrideConfiguration(c -> c.apiCallTimeout(QUESTION))));
  }

  /**
   * Sees to it that the storage has an object of that length and content. One that does not say the
   * checksum is asked for the content.
   */
  private void confirm(String name, long bytes, String checksum, byte[] digest) throws IOException {
    HeadObjectResponse head =
        call(
            () ->
                client.headObject(
                    request ->
                        request
                            .bucket(settings.bucket())
                            .key(key(name))
                            .checksumMode(ChecksumMode.ENABLED)
                            .overrideConfiguration(c -> c.apiCallTimeout(QUESTION))));
    boolean right = head.contentLength() != null && head.contentLength() == bytes;
    if (right && head.checksumSHA256() != null) {
      right = head.checksumSHA256().equals(checksum);
    } else if (right) {
      MessageDigest read = sha256();
      for (long at = 0; at < bytes; at += MOST_READ) {
        read.update(read(name, at, (int) Math.min(MOST_READ, bytes - at)));
      }
      right = MessageDigest.isEqual(read.digest(), digest);
    }
    if (!right) {
      throw new BucketException(
          Reason.CHANGED, "object storage does not have what was sent there: " + name);
    }
  }

  /** Locks an object for longer. */
  public void lock(String name, Instant until) throws IOException {
    ObjectLockRetentionMode mode =
        ObjectLockRetentionMode.fromValue(settings.lock().orElseThrow().name());
    call(
        () ->
            client.putObjectRetention(
                request ->
                    request
                        .bucket(settings.bucket())
                        .key(key(name))
                        .retention(r -> r.mode(mode).retainUntilDate(until))
                        .overrideConfiguration(c -> c.apiCallTimeout(QUESTION))));
  }

  // ---- reading

  /**
   * Reads a part of an object.
   *
   * @param length at most {@link #MOST_READ}
   * @throws BucketException when it is not there, or shorter
   */
  public byte[] read(String name, long from, int length) throws IOException {
    if (length < 1 || length > MOST_READ) {
      throw new IllegalArgumentException("so much is not read at once");
    }
    GetObjectRequest request =
        GetObjectRequest.builder()
            .bucket(settings.bucket())
            .key(key(name))
            .range("bytes=" + from + "-" + (from + length - 1))
            .overrideConfiguration(c -> c.apiCallTimeout(QUESTION))
            .build();
    ResponseTransformer<GetObjectResponse, byte[]> bounded =
        (response, in) -> {
          byte[] content = in.readNBytes(length + 1);
          if (content.length > length) {
            // The rest is not even looked at.
            in.abort();
          }
          return content;
        };
    byte[] content = call(() -> client.getObject(request, bounded));
    if (content.length != length) {
      throw new BucketException(
          Reason.CHANGED, "object storage has another length of an object than it says: " + name);
    }
    return content;
  }

  /**
   * The objects whose names begin so, some at a time.
   *
   * @param after the name to go on behind; empty for the first ones
   */
  public Page list(String prefix, String after) throws IOException {
    ListObjectsV2Response answer =
        call(
            () ->
                client.listObjectsV2(
                    request ->
                        request
                            .bucket(settings.bucket())
                            .prefix(key(prefix))
                            .startAfter(after.isEmpty() ? null : key(after))
                            .maxKeys(1_000)
                            .overrideConfiguration(c -> c.apiCallTimeout(QUESTION))));
    List<Entry> entries = new ArrayList<>();
    String last = after;
    for (S3Object one : answer.contents()) {
      String name = name(one.key(), prefix);
      if (name.compareTo(last) <= 0
          || one.size() == null
          || one.size() < 0
          || one.lastModified() == null) {
        throw new BucketException(Reason.FAILED, "object storage lists what cannot be");
      }
      last = name;
      entries.add(new Entry(name, one.size(), one.lastModified()));
    }
    boolean more = Boolean.TRUE.equals(answer.isTruncated());
    if (more && entries.isEmpty()) {
      throw new BucketException(Reason.FAILED, "object storage lists what cannot be");
    }
    return new Page(entries, more);
  }

  /** All versions of an object, those that hide it too. */
  public List<Version> versions(String name) throws IOException {
    ListObjectVersionsResponse answer =
        call(
            () ->
                client.listObjectVersions(
                    request ->
                        request
                            .bucket(settings.bucket())
                            .prefix(key(name))
                            .maxKeys(1_000)
                            .overrideConfiguration(c -> c.apiCallTimeout(QUESTION))));
    List<Version> versions = new ArrayList<>();
    for (ObjectVersion one : answer.versions()) {
      add(versions, name, one.key(), one.versionId());
    }
    answer.deleteMarkers().forEach(one -> add(versions, name, one.key(), one.versionId()));
    return versions;
  }

  private void add(List<Version> versions, String name, String key, String version) {
    if (key(name).equals(key)) {
      versions.add(new Version(name, version == null ? "" : version));
    }
  }

  // ---- deleting

  /** Deletes an object; in a bucket with versions, it is hidden. */
  public void delete(String name) throws IOException {
    delete(new Version(name, ""));
  }

  /** Deletes a version for good. */
  public void delete(Version version) throws IOException {
    call(
        () ->
            client.deleteObject(
                request ->
                    request
                        .bucket(settings.bucket())
                        .key(key(version.name()))
                        .versionId(version.version().isEmpty() ? null : version.version())
                        .overrideConfiguration(c -> c.apiCallTimeout(QUESTION))));
  }

  // ----

  private String key(String name) {
    return settings.prefix() + name;
  }

  private String name(String key, String prefix) throws BucketException {
    if (key == null || !key.startsWith(key(prefix))) {
      throw new BucketException(Reason.FAILED, "object storage lists what was not asked for");
    }
    return key.substring(settings.prefix().length());
  }

  private static RequestBody body(byte[] content) {
    return RequestBody.fromContentProvider(
        ContentStreamProvider.fromByteArrayUnsafe(content),
        content.length,
        "application/octet-stream");
  }

  private static byte[] sha256(byte[] content) {
    return sha256().digest(content);
  }

  /** What contents are told apart by. */
  public static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** As the storage writes checksums. */
  public static String base64(byte[] digest) {
    return Base64.getEncoder().encodeToString(digest);
  }

  /** What comes from there may be anything, and so may be what the client makes of it. */
  private static <T> T call(Supplier<T> request) throws BucketException {
    try {
      return request.get();
    } catch (AwsServiceException e) {
      // A bucket that is not there is no object that is missing.
      Reason reason = word(e).endsWith("NoSuchBucket") ? Reason.DENIED : reason(e.statusCode());
      throw new BucketException(reason, "object storage: " + word(e));
    } catch (SdkClientException e) {
      throw new BucketException(Reason.AWAY, "object storage does not answer: " + cause(e));
    } catch (RuntimeException | StackOverflowError e) {
      throw new BucketException(
          Reason.FAILED,
          "object storage answers what cannot be read: " + e.getClass().getSimpleName());
    }
  }

  private static Reason reason(int status) {
    return switch (status) {
      case 401, 403 -> Reason.DENIED;
      case 404 -> Reason.MISSING;
      case 500, 502, 503, 504, 429 -> Reason.AWAY;
      default -> Reason.FAILED;
    };
  }

  /** The status and the error's name; its message may repeat what was sent. */
  private static String word(AwsServiceException e) {
    String code = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorCode();
    return e.statusCode() + (code != null && code.matches("[A-Za-z0-9.]{1,64}") ? " " + code : "");
  }

  private static String cause(SdkClientException e) {
    Throwable root = e;
    for (int i = 0; i < 16 && root.getCause() != null; i++) {
      root = root.getCause();
    }
    String message = String.valueOf(e.getMessage());
    if (message.toLowerCase(Locale.ROOT).contains("credentials")) {
      return "there are no credentials that can be used";
    }
    return root.getClass().getSimpleName();
  }

  @Override
  public void close() {
    client.close();
    if (credentials instanceof AutoCloseable closeable) {
      try {
        closeable.close();
      } catch (Exception e) {
        System.getLogger(Bucket.class.getName())
            .log(System.Logger.Level.DEBUG, "credentials were not closed", e);
      }
    }
  }
}
