package dev.chaperone.operator.testing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * A server that speaks S3, versitygw, on the loopback: it checks signatures and checksums, keeps
 * versions and locks objects. What it keeps are files of a directory.
 */
public final class ObjectStorage implements AutoCloseable {
  private static final String ACCESS_KEY = "test-access";
  private static final int PATIENCE_SECONDS = 30;

  /** Tells those apart who may not know it: it must be in no log. */
  public static final String SECRET_KEY = "test-secret-that-nobody-may-see";

  private final Path directory;
  private final int port;
  private Process process;

  private ObjectStorage(Path directory, int port) {
    this.directory = directory;
    this.port = port;
  }

  /** Whether there is one, and the way to it. */
  static final class Condition implements ExecutionCondition {
    Condition() {}

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      Optional<String> missing = missing();
      if (missing.isEmpty()) {
        return ConditionEvaluationResult.enabled("there is a server");
      }
      System.err.println("NOT RUN: " + context.getDisplayName() + ": " + missing.get());
      return ConditionEvaluationResult.disabled(missing.get());
    }
  }

  /** Why there is none; empty where there is one. */
  public static Optional<String> missing() {
    return Files.isExecutable(binary())
        ? Optional.empty()
        : Optional.of(
            "no server that speaks S3: build one with operator/src/test/kubernetes/build.sh storage"
                + " (once, 5 minutes)");
  }

  private static Path binary() {
    return ClusterChoice.home(System.getenv())
        .map(home -> home.resolve("bin").resolve("versitygw"))
        .orElse(Path.of("/nonexistent"));
  }

  /** Starts one, with its files in this directory. */
  public static ObjectStorage start(Path directory) throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    Files.createDirectories(directory.resolve("objects"));
    Files.createDirectories(directory.resolve("versions"));
    ObjectStorage storage = new ObjectStorage(directory, port);
    storage.start();
    return storage;
  }

  /** Starts it anew where it was stopped. */
  public void start() throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                binary().toString(),
                "--port",
                "127.0.0.1:" + port,
                "--access-log",
                log().toString(),
                "posix",
                "--versioning-dir",
                directory.resolve("versions").toString(),
                directory.resolve("objects").toString()));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("server.log").toFile());
    builder.environment().put("ROOT_ACCESS_KEY", ACCESS_KEY);
    builder.environment().put("ROOT_SECRET_KEY", SECRET_KEY);
    process = builder.start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!listens()) {
      if (!process.isAlive() || System.nanoTime() > end) {
        close();
        throw new IOException(
            "versitygw did not start: " + Files.readString(directory.resolve("server.log")));
      }
    }
  }

  private boolean listens() throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      try {
        Thread.sleep(50);
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", interrupted);
      }
      return false;
    }
  }

  /** Makes a bucket. */
  public void bucket(String name, boolean locks) {
    try (S3Client client = client()) {
      client.createBucket(
          request -> request.bucket(name).objectLockEnabledForBucket(locks ? true : null));
    }
  }

  /** A client of its administrator. */
  public S3Client client() {
    return S3Client.builder()
        .httpClientBuilder(UrlConnectionHttpClient.builder())
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create(ACCESS_KEY, SECRET_KEY)))
        .region(Region.US_EAST_1)
        .endpointOverride(endpoint())
        .forcePathStyle(true)
        .build();
  }

  /** Where it listens. */
  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + port);
  }

  /** Where it listens. */
  public int port() {
    return port;
  }

  /** The files of a bucket's objects. */
  public Path files(String bucket) {
    return directory.resolve("objects").resolve(bucket);
  }

  /** What it was asked for, a line each. */
  public Path log() {
    return directory.resolve("access.log");
  }

  /** Credentials that it takes, as a Secret is mounted. */
  public Path credentials(Path into) throws IOException {
    return credentials(into, SECRET_KEY);
  }

  /** Credentials with another secret. */
  public Path credentials(Path into, String secret) throws IOException {
    Files.createDirectories(into);
    Files.writeString(into.resolve("access-key-id"), ACCESS_KEY + "\n");
    Files.writeString(into.resolve("secret-access-key"), secret + "\n");
    return into;
  }

  /** Stops it; its files stay. */
  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
