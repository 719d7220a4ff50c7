package dev.chaperone.operator.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.chaperone.operator.channel.SidecarPod;
import dev.chaperone.operator.objects.Bucket;
import dev.chaperone.operator.objects.BucketException;
import dev.chaperone.operator.objects.BucketSettings;
import dev.chaperone.operator.store.RecordingStore.Extent;
import dev.chaperone.operator.testing.ObjectStorage;
import dev.chaperone.operator.testing.UsesObjectStorage;
import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.RecordingPiece;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.Verification;
import dev.chaperone.recording.Verifier;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Recordings on their way from the volume to object storage, and back to those who read them. */
@UsesObjectStorage
@Timeout(300)
class ObjectStorageIT {
  private static final RecordingKey KEY = RecordingKey.generate();
  private static final RecordingKey STORE_KEY = RecordingKey.generate();
  private static final SidecarPod POD =
      new SidecarPod("support", "agent-0", "uid-0", "support-agent");
  private static final StoredSession SESSION = new StoredSession(POD, "orders-1");
  private static final long MEBIBYTE = 1 << 20;
  private static final Duration MONTH = Duration.ofDays(30);
  private static final String BUCKET = "recordings";
  private static final String LOCKED = "locked";
  private static ObjectStorage storage;
  private static int tests;

  @TempDir static Path server;
  @TempDir Path temporary;

  private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
  private final Said said = new Said();
  private String prefix;
  private Path volume;
  private TestRecording sent;

  @BeforeAll
  static void startServer() throws IOException {
    storage = ObjectStorage.start(server);
    storage.bucket(BUCKET, false);
    storage.bucket(LOCKED, true);
  }

  @AfterAll
  static void stopServer() {
    storage.close();
  }

  @BeforeEach
  void prepare() {
    prefix = "test-" + tests++ + "/";
    volume = temporary.resolve("volume");
    sent = new TestRecording(temporary.resolve("sidecar"), POD, "orders-1", KEY);
  }

  @AfterEach
  void nothingSecretWasWritten() throws IOException {
    try (Stream<Path> all = Files.walk(temporary)) {
      assertThat(all.filter(Files::isRegularFile))
          .filteredOn(file -> !file.toString().contains("credentials"))
          .noneMatch(ObjectStorageIT::holdsTheSecret);
    }
  }

  private static boolean holdsTheSecret(Path file) {
    try {
      return new String(Files.readAllBytes(file), java.nio.charset.StandardCharsets.ISO_8859_1)
          .contains(ObjectStorage.SECRET_KEY);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private BucketSettings bucket(URI endpoint) throws IOException {
    return new BucketSettings(
        BUCKET,
        prefix,
        Optional.empty(),
        Optional.of(endpoint),
        true,
        Optional.of(storage.credentials(temporary.resolve("credentials"))),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  private BucketSettings locked() throws IOException {
    BucketSettings plain = bucket(storage.endpoint());
    return new BucketSettings(
        LOCKED,
        prefix,
        plain.region(),
        plain.endpoint(),
        true,
        plain.credentials(),
        plain.authorities(),
        plain.kmsKey(),
        Optional.of(BucketSettings.Lock.GOVERNANCE));
  }

  /** What people were told. */
  private static final class Said implements ObjectUploads.Observer {
    private final List<String> words = new CopyOnWriteArrayList<>();

    @Override
    public void fails(String why) {
      words.add(why);
    }

    @Override
    public void works() {
      words.add("works");
    }
  }

  /** A replica: its volume, and the way to object storage. */
  private final class Replica implements AutoCloseable {
    private final Bucket bucket;
    private final RecordingStore store;
    private final ObjectUploads uploads;
    private final AtomicLong shift = new AtomicLong();

    Replica(String name, Path volume, BucketSettings settings, Duration interval)
        throws IOException {
      this(name, volume, settings, interval, 256 * MEBIBYTE);
    }

    Replica(String name, Path volume, BucketSettings settings, Duration interval, long size)
        throws IOException {
      bucket = Bucket.open(settings);
      RecordingObjects objects =
          new RecordingObjects(bucket, new ObjectSettings(interval, Duration.ofHours(24)));
      store =
          RecordingStore.open(
              new StoreSettings(volume, name, size, size, MEBIBYTE), Optional.of(objects));
      uploads = new ObjectUploads(store, objects, this::kept, said, clock(), metrics);
    }

    private Optional<Duration> kept(String namespace, String connection) {
      return namespace.equals("support") && connection.equals("orders")
          ? Optional.of(MONTH)
          : Optional.empty();
    }

    private Clock clock() {
      return new Clock() {
        @Override
        public Instant instant() {
          return Instant.now().plusSeconds(shift.get());
        }

        @Override
        public java.time.ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(java.time.ZoneId zone) {
          return this;
        }
      };
    }

    void after(Duration more) {
      shift.addAndGet(more.toSeconds());
    }

    /** Stores all that the sidecar has, and countersigns it. */
    Extent storeAll() throws Exception {
      Extent extent = store.begin(SESSION, KEY.publicKey(), Optional.empty());
      while (!extent.sealed()) {
        RecordingPiece piece = RecordingPiece.read(sent.directory(), extent.position());
        if (piece.content().length() == 0) {
          break;
        }
        extent = store.store(SESSION, KEY.publicKey(), piece.at(), piece.content());
      }
      store.countersign(SESSION, KEY.publicKey(), STORE_KEY, Instant.now());
      return extent;
    }

    boolean isMissing(String session) {
      String location = store.settings().replica() + ":uid-0/" + session;
      return store.isMissing(location, "uid-0", session);
    }

    void awaitUploaded() {
      await().atMost(Duration.ofSeconds(60)).until(this::isUploaded);
    }

    private boolean isUploaded() throws IOException {
      Path directory = SESSION.directory(store.settings().directory());
      Optional<UploadReceipt> receipt = UploadReceipt.read(directory.resolve(UploadReceipt.NAME));
      return receipt.isPresent()
          && receipt
              .get()
              .isWhole(store.extent(SESSION, KEY.publicKey()), store.countersigned(SESSION));
    }

    Path read() throws IOException {
      return download(
          store.objects().orElseThrow().recording("support", "uid-0", "orders-1").orElseThrow());
    }

    @Override
    public void close() {
      uploads.close();
      store.close();
      bucket.close();
    }
  }

  private Replica replica() throws IOException {
    return new Replica("chaperone-operator-0", volume, bucket(storage.endpoint()), MONTH);
  }

  /** As a reader has it. */
  private Path download(StoredRecording recording) throws IOException {
    Path into = Files.createTempDirectory(temporary, "read").resolve("orders-1");
    Files.createDirectories(into);
    copy(recording, PublicKeyFile.NAME, into);
    copy(recording, CountersignedHead.FILE_NAME, into);
    for (int segment = 1; recording.segmentBytes(segment) > 0; segment++) {
      copy(recording, SessionFiles.segmentName(segment), into);
    }
    return into;
  }

  private static void copy(StoredRecording recording, String name, Path into) throws IOException {
    long size = recording.bytes(name);
    try (StoredRecording.Source source = recording.open(name);
        OutputStream out = Files.newOutputStream(into.resolve(name))) {
      for (long at = 0; at < size; ) {
        ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(100_000, size - at));
        int read = source.read(buffer, at);
        assertThat(read).isPositive();
        out.write(buffer.array(), 0, read);
        at += read;
      }
    }
  }

  private Verification verify(Path read) throws IOException {
    return Verifier.verify(
        read, KEY.publicKey(), Optional.of(sent.head().hash()), List.of(STORE_KEY.publicKey()));
  }

  private static void wipe(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(one);
      }
    }
  }

  private List<Path> objects() throws IOException {
    Path files = storage.files(BUCKET).resolve(prefix);
    if (!Files.exists(files)) {
      return List.of();
    }
    try (Stream<Path> all = Files.walk(files)) {
      return all.filter(Files::isRegularFile).sorted().toList();
    }
  }

  @Test
  void aRecordingOutlivesItsVolumeByteForByteAndVerifiesWithTheStoresKey() throws Exception {
    sent.queries(2_000, "SELECT ").nextSegment().queries(10, "DELETE ").seal();
    Path before;
    try (Replica replica = replica()) {
      replica.uploads.start();
      replica.storeAll();
      replica.awaitUploaded();
      before = download(replica.store.recording("uid-0", "orders-1").orElseThrow());
    }
    wipe(volume);
    try (Replica replica = replica()) {
      assertThat(replica.store.recording("uid-0", "orders-1")).isEmpty();
      Path read = replica.read();
      Verification found = verify(read);
      assertThat(found.exitCode()).as(found.toString()).isZero();
      for (String name :
          List.of("000001.seg", "000002.seg", "key.pub.pem", "countersigned.heads")) {
        assertThat(read.resolve(name)).hasSameBinaryContentAs(before.resolve(name));
      }
    }
  }

  @Test
  void whatASessionAddsIsUploadedInPiecesAndReadWhileItGoesOn() throws Exception {
    try (Replica replica =
        new Replica(
            "chaperone-operator-0", volume, bucket(storage.endpoint()), Duration.ofMillis(1))) {
      replica.uploads.start();
      for (int i = 0; i < 4; i++) {
        sent.queries(50, "SELECT ");
        replica.storeAll();
        replica.awaitUploaded();
        assertThat(verify(replica.read()).exitCode()).isEqualTo(4);
      }
      assertThat(objects()).filteredOn(one -> one.toString().contains(".seg.")).hasSize(4);
      sent.seal();
      replica.storeAll();
      replica.awaitUploaded();
      assertThat(verify(replica.read()).exitCode()).isZero();
    }
  }

  @Test
  void anUploadInPartsThatWasCutOffGoesOnAndSendsNoPartTwice() throws Exception {
    sent.queries(700, "SELECT '" + "x".repeat(30_000) + "' || ").seal();
    try (LimitedWay way = new LimitedWay(storage.port(), 9 * MEBIBYTE);
        Replica killed =
            new Replica("chaperone-operator-0", volume, bucket(way.endpoint()), MONTH)) {
      // All at once: so it is one piece.
      killed.storeAll();
      killed.uploads.start();
      await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(
              () ->
                  assertThat(metrics.counter("chaperone.objects.failures", "reason", "away"))
                      .satisfies(one -> assertThat(one.count()).isPositive()));
    }
    assertThat(partsSent()).containsExactly("1");
    assertThat(UploadReceipt.read(volume.resolve("uid-0/orders-1/uploaded.json")).orElseThrow())
        .satisfies(receipt -> assertThat(receipt.parts()).isNotNull());
    try (Replica replica = replica()) {
      replica.uploads.start();
      replica.awaitUploaded();
      assertThat(partsSent()).containsExactly("1", "2", "3");
      assertThat(verify(replica.read()).exitCode()).isZero();
    }
  }

  /** As the server's log has them. */
  private List<String> partsSent() throws IOException {
    try (Stream<String> lines = Files.lines(storage.log())) {
      return lines
          .filter(line -> line.contains(" s3_UploadPart " + prefix) && line.contains(" 200 "))
          .map(line -> line.replaceAll(".*partNumber=([0-9]+).*", "$1"))
          .toList();
    }
  }

  @Test
  void whileObjectStorageIsAwayTheVolumeHasItAndThenItIsUploaded() throws Exception {
    storage.close();
    try (Replica replica = replica()) {
      replica.uploads.start();
      sent.queries(20, "SELECT ").seal();
      assertThat(replica.storeAll().sealed()).isTrue();
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> metrics.counter("chaperone.objects.failures", "reason", "away").count() > 0);
      assertThat(metrics.get("chaperone.objects.waiting.bytes").gauge().value()).isPositive();
      replica.after(Duration.ofDays(2));
      replica.uploads.release();
      assertThat(verify(download(replica.store.recording("uid-0", "orders-1").orElseThrow())))
          .satisfies(found -> assertThat(found.exitCode()).isZero());
      assertThat(metrics.get("chaperone.objects.oldest").timeGauge().value()).isPositive();
    }
    metrics.clear();
    try (Replica replica = replica()) {
      replica.uploads.start();
      await().until(() -> metrics.get("chaperone.objects.waiting.bytes").gauge().value() > 0);
      storage.start();
      replica.after(Duration.ofMinutes(2));
      replica.awaitUploaded();
      assertThat(verify(replica.read()).exitCode()).isZero();
      await().until(() -> metrics.get("chaperone.objects.waiting.bytes").gauge().value() == 0);
    } finally {
      storage.close();
      storage.start();
    }
  }

  @Test
  void wrongCredentialsAreCountedAndCostNothing() throws Exception {
    BucketSettings settings = bucket(storage.endpoint());
    storage.credentials(temporary.resolve("credentials"), "wrong");
    try (Replica replica = new Replica("chaperone-operator-0", volume, settings, MONTH)) {
      replica.uploads.start();
      sent.queries(20, "SELECT ").seal();
      replica.storeAll();
      await()
          .atMost(Duration.ofSeconds(60))
          .until(
              () -> metrics.counter("chaperone.objects.failures", "reason", "denied").count() > 0);
      // A Secret that was mended counts without a start.
      storage.credentials(temporary.resolve("credentials"));
      replica.after(Duration.ofMinutes(2));
      replica.awaitUploaded();
      assertThat(verify(replica.read()).exitCode()).isZero();
      await().until(() -> said.words.size() == 2);
      assertThat(said.words).containsExactly("object storage: 403 SignatureDoesNotMatch", "works");
    }
  }

  @Test
  void whatWasChangedInTheBucketIsBroken() throws Exception {
    sent.queries(500, "SELECT ").nextSegment().queries(10, "DELETE ").seal();
    try (Replica replica = replica()) {
      replica.uploads.start();
      replica.storeAll();
      replica.awaitUploaded();
      for (Path object : objects()) {
        String name = object.getFileName().toString();
        if (name.equals("manifest.json") || name.equals("key.pub.pem")) {
          continue;
        }
        byte[] content = Files.readAllBytes(object);
        byte[] changed = content.clone();
        changed[content.length / 2] ^= 1;
        overwrite(object, changed);
        assertThat(verify(replica.read()).exitCode()).as(name).isEqualTo(1);
        overwrite(object, Arrays.copyOf(content, content.length * 2 / 3));
        assertThat(verify(replica.read()).exitCode()).as(name + " cut off").isEqualTo(1);
        overwrite(object, content);
      }
      assertThat(verify(replica.read()).exitCode()).isZero();
      Path second =
          objects().stream()
              .filter(one -> one.toString().contains("000002.seg"))
              .findFirst()
              .orElseThrow();
      Files.delete(second);
      assertThat(verify(replica.read()).exitCode()).isEqualTo(1);
    }
  }

  /** As who may write to the bucket, so that the server has no other checksum for it. */
  private void overwrite(Path object, byte[] content) {
    try (var client = storage.client()) {
      client.putObject(
          request ->
              request.bucket(BUCKET).key(storage.files(BUCKET).relativize(object).toString()),
          software.amazon.awssdk.core.sync.RequestBody.fromBytes(content));
    }
  }

  @Test
  void twoReplicasKeepCopiesOfTheirOwnAndTheLongerOneIsRead() throws Exception {
    Path other = temporary.resolve("other");
    sent.queries(100, "SELECT ");
    try (Replica first = replica()) {
      first.uploads.start();
      first.after(MONTH.plusDays(1));
      first.storeAll();
      first.after(MONTH.plusDays(1));
      first.awaitUploaded();
    }
    sent.queries(100, "SELECT ").seal();
    try (Replica second =
        new Replica("chaperone-operator-1", other, bucket(storage.endpoint()), MONTH)) {
      second.uploads.start();
      second.storeAll();
      second.awaitUploaded();
      assertThat(verify(second.read()).exitCode()).isZero();
    }
    assertThat(objects().stream().map(one -> one.getParent().getFileName().toString()).distinct())
        .hasSize(2)
        .anyMatch(one -> one.startsWith("chaperone-operator-0."))
        .anyMatch(one -> one.startsWith("chaperone-operator-1."));
  }

  @Test
  void aVolumeGivesBackWhatObjectStorageHasAndDoesNotAskForItAgain() throws Exception {
    sent.queries(500, "SELECT ").seal();
    try (Replica replica = replica()) {
      replica.uploads.start();
      Extent stored = replica.storeAll();
      replica.awaitUploaded();
      replica.uploads.release();
      assertThat(replica.store.recording("uid-0", "orders-1")).as("of today").isPresent();
      long before = replica.store.bytes();
      replica.after(Duration.ofHours(25));
      replica.uploads.release();
      assertThat(replica.store.recording("uid-0", "orders-1")).isEmpty();
      assertThat(replica.store.bytes()).isLessThan(before / 2);
      assertThat(replica.isMissing("orders-1")).as("given back, not lost").isFalse();
      assertThat(replica.isMissing("orders-2")).isTrue();
      assertThat(replica.storeAll()).isEqualTo(stored);
      assertThat(replica.store.recording("uid-0", "orders-1")).isEmpty();
      assertThat(verify(replica.read()).exitCode()).isZero();
    }
    long left;
    try (Replica again = replica()) {
      left = again.store.bytes();
      assertThat(again.storeAll().sealed()).isTrue();
      try (StoreRetention retention =
          new StoreRetention(
              again.store, again::kept, Clock.offset(Clock.systemUTC(), Duration.ofDays(31)))) {
        retention.clean();
      }
      assertThat(left).isPositive();
      assertThat(again.store.bytes()).isZero();
    }
  }

  @Test
  void aVolumeThatIsShortOfRoomGivesBackWhatIsUploadedAndNothingElse() throws Exception {
    sent.queries(500, "SELECT ").seal();
    long size;
    try (Replica replica = replica()) {
      replica.storeAll();
      size = replica.store.bytes() * 6 / 5;
    }
    try (Replica replica =
        new Replica("chaperone-operator-0", volume, bucket(storage.endpoint()), MONTH, size)) {
      replica.uploads.release();
      assertThat(replica.store.recording("uid-0", "orders-1")).as("not uploaded").isPresent();
      replica.uploads.start();
      replica.awaitUploaded();
      replica.uploads.release();
      assertThat(replica.store.recording("uid-0", "orders-1")).isEmpty();
      assertThat(verify(replica.read()).exitCode()).isZero();
    }
  }

  @Test
  void aRecordingThatGoesOnAfterItsVolumeGaveItBackIsVerifiedFromItsBeginning() throws Exception {
    sent.queries(100, "SELECT ");
    try (Replica replica =
        new Replica(
            "chaperone-operator-0", volume, bucket(storage.endpoint()), Duration.ofMillis(1))) {
      replica.uploads.start();
      replica.storeAll();
      replica.awaitUploaded();
      replica.after(Duration.ofDays(2));
      replica.uploads.release();
      assertThat(replica.store.recording("uid-0", "orders-1")).isEmpty();
      sent.queries(100, "SELECT ").seal();
      replica.storeAll();
      replica.awaitUploaded();
      assertThat(verify(replica.read()).exitCode()).isZero();
    }
  }

  @Test
  void whatIsOlderThanItsConnectionKeepsItIsDeletedAndNothingElse() throws Exception {
    sent.queries(100, "SELECT ").seal();
    try (Replica replica = replica()) {
      replica.uploads.start();
      replica.storeAll();
      replica.awaitUploaded();
      RecordingObjects objects = replica.store.objects().orElseThrow();
      for (Duration age : List.of(Duration.ofDays(29), Duration.ofDays(31))) {
        Clock then = Clock.offset(Clock.systemUTC(), age);
        try (ObjectRetention nobody =
            new ObjectRetention(objects, (n, c) -> Optional.empty(), then, replica.uploads)) {
          nobody.clean();
        }
        assertThat(replica.read()).as("of a connection that is gone").isNotEmptyDirectory();
        try (ObjectRetention retention =
            new ObjectRetention(objects, replica::kept, then, replica.uploads)) {
          retention.clean();
        }
        assertThat(objects.recording("support", "uid-0", "orders-1").isPresent())
            .isEqualTo(age.toDays() < 30);
      }
      assertThat(objects()).isEmpty();
    }
  }

  @Test
  void whatIsLockedIsNotDeletedAndNotTriedAgainAllTheTime() throws Exception {
    sent.queries(100, "SELECT ").seal();
    try (Replica replica = new Replica("chaperone-operator-0", volume, locked(), MONTH)) {
      replica.uploads.start();
      replica.storeAll();
      replica.awaitUploaded();
      RecordingObjects objects = replica.store.objects().orElseThrow();
      String segment =
          replica.bucket.list("", "").entries().stream()
              .map(Bucket.Entry::name)
              .filter(one -> one.contains(".seg."))
              .findFirst()
              .orElseThrow();
      for (Bucket.Version one : replica.bucket.versions(segment)) {
        assertThatThrownBy(() -> replica.bucket.delete(one))
            .isInstanceOfSatisfying(
                BucketException.class,
                e -> assertThat(e.reason()).isEqualTo(BucketException.Reason.DENIED));
      }
      // The clock of the operator is ahead; the storage's is not.
      Clock then = Clock.offset(Clock.systemUTC(), Duration.ofDays(31));
      try (ObjectRetention retention =
          new ObjectRetention(objects, replica::kept, then, replica.uploads)) {
        retention.clean();
        double failures = metrics.counter("chaperone.objects.failures", "reason", "denied").count();
        assertThat(failures).isEqualTo(1);
        retention.clean();
        assertThat(metrics.counter("chaperone.objects.failures", "reason", "denied").count())
            .isEqualTo(failures);
      }
      assertThat(verify(replica.read()).exitCode()).isZero();
    }
  }

  /** A way to a server that is cut off for good after so many bytes of its clients. */
  private static final class LimitedWay implements AutoCloseable {
    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicLong left;

    LimitedWay(int port, long bytes) throws IOException {
      left = new AtomicLong(bytes);
      run(
          () -> {
            while (true) {
              Socket client = listener.accept();
              Socket there = new Socket(InetAddress.getLoopbackAddress(), port);
              sockets.add(client);
              sockets.add(there);
              run(() -> copy(client, there, true));
              run(() -> copy(there, client, false));
            }
          });
    }

    private interface Work {
      void run() throws IOException;
    }

    private static void run(Work work) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  work.run();
                } catch (IOException e) {
                  // It was cut off.
                }
              });
      thread.setDaemon(true);
      thread.start();
    }

    private void copy(Socket from, Socket to, boolean counts) throws IOException {
      byte[] buffer = new byte[16 << 10];
      try (InputStream in = from.getInputStream();
          OutputStream out = to.getOutputStream()) {
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
          if (counts && left.addAndGet(-read) < 0) {
            close();
            return;
          }
          out.write(buffer, 0, read);
        }
      }
    }

    URI endpoint() {
      return URI.create("http://127.0.0.1:" + listener.getLocalPort());
    }

    @Override
    public void close() throws IOException {
      listener.close();
      for (Socket one : sockets) {
        one.close();
      }
    }
  }
}
