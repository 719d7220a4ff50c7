package dev.chaperone.sidecar.testing;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.recording.MalformedRecordingException;
import dev.chaperone.recording.MaskingReport;
import dev.chaperone.recording.MaskingVerifier;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.sidecar.approval.ApprovalDesk;
import dev.chaperone.sidecar.approval.ApproverGroups;
import dev.chaperone.sidecar.approval.RequestFiles;
import dev.chaperone.sidecar.control.AgentSessions;
import dev.chaperone.sidecar.gateway.ClientConnection.CloseReason;
import dev.chaperone.sidecar.gateway.Gateway;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import dev.chaperone.sidecar.gateway.GuardedConnection;
import dev.chaperone.sidecar.journal.Journal;
import dev.chaperone.sidecar.journal.SessionJournal;
import dev.chaperone.sidecar.protocol.postgresql.PostgresqlServer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;

/** The real gateway in this process, configured by YAML in a directory of its own. */
public final class GatewayUnderTest implements AutoCloseable {
  /** Everything but what names {@code public.denied} or {@code a.t}. */
  public static final String ALL_BUT_DENIED =
      """
        rules:
        - name: everything
          effects: [Read, Write, Schema, Privilege, SessionState, Execute, Unknown]
          action: Allow
        - name: never
          resources: ["public.denied", "a.t"]
          action: Deny
          message: "That table is off limits."
      """;

  /** Reads of {@code public} alone. */
  public static final String READS_ONLY =
      """
        rules:
        - name: reads
          effects: [Read]
          resources: ["public.t", "public.log"]
          action: Allow
      """;

  private final Path directory;
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final GatewayThreads threads = new GatewayThreads(2);
  private final Path status;
  private final Path recordings;
  private final ApprovalDesk approvals;
  private final Journal journal;
  private final AgentSessions sessions;
  private final Gateway gateway;
  private long generation;
  private boolean ended;

  private GatewayUnderTest(Path directory, Path recordings) throws IOException {
    this.directory = directory;
    this.status = MemoryDirectory.create("gateway-under-test");
    this.recordings = recordings == null ? status.resolve("recordings") : recordings;
    this.approvals =
        new ApprovalDesk(
            new RequestFiles(status),
            new ApproverGroups(Map.of("dba", Set.of("alice", "bob", "carol"))),
            Clock.systemUTC(),
            registry);
    approvals.start();
    this.journal =
        new Journal(
            this.recordings,
            RecordingKey.readOrCreate(
                status.resolve("recording-key.pem"), status.resolve("recording-key.pub.pem")),
            registry);
    this.gateway =
        new Gateway(
            threads,
            registry,
            journal,
            approvals,
            (connection, shared) ->
                new PostgresqlServer(connection, shared, approvals, Optional.empty()),
            true);
    this.sessions = new AgentSessions(status, gateway::served);
  }

  /** A gateway in front of a server, under {@link #ALL_BUT_DENIED}. */
  public static GatewayUnderTest start(TestPostgres server) {
    return start(server.port(), "");
  }

  /**
   * A gateway in front of a port.
   *
   * @param limits the {@code limits} of the connection, as YAML in flow style; empty for none
   */
  public static GatewayUnderTest start(int targetPort, String limits) {
    return start(targetPort, limits, null);
  }

  /** A gateway in front of a server that records into that directory. */
  public static GatewayUnderTest start(TestPostgres server, Path recordings) {
    return start(server.port(), "", recordings);
  }

  private static GatewayUnderTest start(int targetPort, String limits, Path recordings) {
    try {
      GatewayUnderTest started =
          new GatewayUnderTest(Files.createTempDirectory("chaperone-gateway"), recordings);
      writeConfiguration(started.directory, targetPort, limits);
      started.secret(TestPostgres.USER, TestPostgres.PASSWORD);
      started.policy(ALL_BUT_DENIED);
      started.sessions.start();
      return started;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Writes the files of a directory that serve that target, but for policy and Secret. */
  public static void writeConfiguration(Path directory, int targetPort, String limits)
      throws IOException {
    writeConnection(directory, targetPort, limits, "mode: Disable");
    Files.writeString(
        directory.resolve("pod.yaml"),
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: support-agent
          namespace: support
          labels: {app: support-agent}
        spec:
          serviceAccountName: support-agent
          containers:
          - {name: agent, image: "registry.example/agent:1"}
        """);
  }

  /** Writes connection.yaml. */
  public static void writeConnection(Path directory, int targetPort, String limits, String tls)
      throws IOException {
    Files.writeString(
        directory.resolve("connection.yaml"),
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AgentConnection
        metadata: {name: orders-db, namespace: support}
        spec:
          protocol: PostgreSQL
          target:
            host: 127.0.0.1
            port: %d
            database: orders
            tls: {%s}
          credentials:
            secretRef: {name: orders-db}
          agents:
            podSelector:
              matchLabels: {app: support-agent}
          listen: {port: 15432}
          %s
        """
            .formatted(targetPort, tls, limits.isEmpty() ? "" : "limits: " + limits));
  }

  /** Writes secret.yaml. */
  public static void writeSecret(Path directory, String user, String password) throws IOException {
    Files.writeString(
        directory.resolve("secret.yaml"),
        """
        apiVersion: v1
        kind: Secret
        metadata: {name: orders-db, namespace: support}
        stringData:
          username: "%s"
          password: "%s"
        """
            .formatted(user, password));
  }

  /** Writes policy.yaml. */
  public static void writePolicy(Path directory, String rules) throws IOException {
    Files.writeString(
        directory.resolve("policy.yaml"),
        """
        apiVersion: chaperone.dev/v1alpha1
        kind: AccessPolicy
        metadata: {name: support-agents, namespace: support}
        spec:
          connections: [orders-db]
          subjects:
          - {kind: ServiceAccount, name: support-agent}
        """
            + rules.indent(0));
  }

  /** Puts other rules in force. */
  public void policy(String rules) {
    try {
      writePolicy(directory, rules);
      apply();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Writes another Secret; in force with the next {@link #policy} or {@link #apply}. */
  public void secret(String user, String password) {
    try {
      writeSecret(directory, user, password);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Where it writes requests for approval. */
  public Path status() {
    return status;
  }

  /** The requests for approval. */
  public StatusFiles<ApprovalRequestSpec, ApprovalRequestStatus> requests() {
    return StatusFiles.approvalRequests(status);
  }

  /** Where its YAML is. */
  public Path directory() {
    return directory;
  }

  /** Puts another {@code recording} of the connection in force, as YAML in flow style. */
  public void recordingSettings(String settings) {
    try {
      Path connection = directory.resolve("connection.yaml");
      String without =
          Files.readString(connection)
              .lines()
              .filter(line -> !line.startsWith("  recording:"))
              .collect(Collectors.joining("\n"));
      Files.writeString(connection, without.stripTrailing() + "\n  recording: " + settings + "\n");
      apply();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Puts TLS towards clients in force, with what that server shows. */
  public void listenTls(TestAuthority.Server shown, boolean required) {
    try {
      Files.writeString(
          directory.resolve("listen-tls.yaml"),
          "apiVersion: v1\nkind: Secret\nmetadata: {name: listen-tls, namespace: support}\n"
              + "stringData:\n  tls.crt: |\n"
              + shown.certificatePem().indent(4)
              + "  tls.key: |\n"
              + shown.keyPem().indent(4));
      Path connection = directory.resolve("connection.yaml");
      Files.writeString(
          connection,
          Files.readString(connection)
              .replaceFirst(
                  "listen: .*",
                  "listen: {port: 15432, tls: {secretRef: {name: listen-tls}, required: "
                      + required
                      + "}}"));
      apply();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Reads the directory again and puts it in force. */
  public void apply() throws IOException {
    try {
      gateway.apply(Configuration.load(directory, ++generation));
    } catch (InvalidConfigurationException e) {
      throw new IllegalArgumentException(e.problems().toString(), e);
    }
  }

  public int port() {
    String address = gateway.served().get(0).addresses().get(0);
    return Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
  }

  public int clientCount() {
    return gateway.served().get(0).connection().clientCount();
  }

  /** The sum of a counter over all its tags. */
  public double counted(String name) {
    return registry.find(name).counters().stream().mapToDouble(c -> c.count()).sum();
  }

  public SimpleMeterRegistry registry() {
    return registry;
  }

  /** Stops as SIGTERM does. */
  public boolean drain(Duration deadline) throws InterruptedException {
    return gateway.drain(deadline);
  }

  public String jdbcUrl() {
    return "jdbc:postgresql://127.0.0.1:" + port() + "/" + TestPostgres.DATABASE;
  }

  /**
   * Connects an unmodified client.
   *
   * @param settings connection properties of the driver, name and value in turn
   */
  public Connection connect(String... settings) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", "whoever");
    properties.setProperty("password", "whatever");
    properties.setProperty("connectTimeout", "20");
    properties.setProperty("socketTimeout", "60");
    for (int i = 0; i < settings.length; i += 2) {
      properties.setProperty(settings[i], settings[i + 1]);
    }
    return DriverManager.getConnection(jdbcUrl(), properties);
  }

  /** A raw client, logged in. */
  public WireClient wire() throws IOException {
    WireClient client = WireClient.connect(port());
    client.logIn("whoever", TestPostgres.DATABASE);
    return client;
  }

  /** Where it records. */
  public Path recordings() {
    return recordings;
  }

  /** The one connection that it serves. */
  public GuardedConnection connection() {
    return gateway.served().get(0).connection();
  }

  /** The recording of the session that goes on, once all that was recorded is on the disk. */
  public Path recording() {
    SessionJournal session = connection().recorder().journal();
    try {
      session.durable(session.head().events()).toCompletableFuture().get(10, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      // The session is over; its end gets there by itself.
    } catch (InterruptedException | TimeoutException e) {
      throw new IllegalStateException(e);
    }
    return recordings().resolve(connection().session().name());
  }

  /** Stops and leaves its files. */
  public void end() {
    if (ended) {
      return;
    }
    ended = true;
    List<Gateway.Served> last = gateway.served();
    gateway.close();
    approvals.close();
    threads.close();
    last.forEach(one -> one.connection().end(CloseReason.SHUTDOWN));
    journal.close();
    sessions.close(last);
  }

  /** Stops; a recording of it in which a protected column left without its mask is an error. */
  public void endProvingMasks() {
    end();
    try {
      for (Path session : SessionFiles.sessions(recordings)) {
        MaskingReport report = MaskingVerifier.verify(session);
        if (report.exitCode() != 0) {
          throw new AssertionError(report.violations() + ", not proven: " + report.unproven());
        }
      }
    } catch (IOException | MalformedRecordingException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    end();
    TestPostgres.removeRecursively(directory);
    TestPostgres.removeRecursively(status);
  }
}
