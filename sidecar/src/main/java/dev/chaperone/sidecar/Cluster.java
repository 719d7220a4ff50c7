package dev.chaperone.sidecar;

import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.sidecar.approval.ApprovalDesk;
import dev.chaperone.sidecar.approval.ApproverGroups;
import dev.chaperone.sidecar.control.ChannelRequestStore;
import dev.chaperone.sidecar.control.OperatorAddress;
import dev.chaperone.sidecar.control.OperatorChannel;
import dev.chaperone.sidecar.control.OperatorConfiguration;
import dev.chaperone.sidecar.control.OperatorLease;
import dev.chaperone.sidecar.control.OperatorReports;
import dev.chaperone.sidecar.control.OperatorTimes;
import dev.chaperone.sidecar.control.RecordingShipper;
import dev.chaperone.sidecar.gateway.ClientConnection.CloseReason;
import dev.chaperone.sidecar.gateway.Gateway;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import dev.chaperone.sidecar.journal.Journal;
import dev.chaperone.sidecar.management.ManagementServer;
import dev.chaperone.sidecar.protocol.postgresql.PostgresqlServer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * The gateway beside an agent's pod, told what to enforce by the operator. Serves nothing until it
 * has been told. Put together here.
 */
final class Cluster implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(Cluster.class.getName());

  /** How long busy clients may take to finish after SIGTERM. */
  private static final Duration DRAIN_DEADLINE = Duration.ofSeconds(10);

  /**
   * What the bootstrap says.
   *
   * @param secrets where Secrets are mounted
   * @param journal where sessions are recorded
   * @param probes where the files are that the container's probes read
   */
  record Options(
      OperatorAddress operator,
      OperatorTimes times,
      Path secrets,
      Path journal,
      Optional<Path> probes,
      Optional<Integer> managementPort) {}

  private final PrometheusMeterRegistry registry;
  private final GatewayThreads threads =
      new GatewayThreads(Runtime.getRuntime().availableProcessors());
  private final OperatorLease lease = new OperatorLease();
  private final Journal journal;
  private final ApprovalDesk approvals;
  private final Gateway gateway;
  private final OperatorReports reports;
  private final RecordingShipper shipper;
  private final OperatorConfiguration configuration;
  private final OperatorChannel channel;
  private volatile boolean draining;
  private ManagementServer management;
  private Pulse pulse;

  private Cluster(Options options, PrometheusMeterRegistry registry, Journal journal) {
    this.registry = registry;
    this.journal = journal;
    ChannelRequestStore requests = new ChannelRequestStore(this::announce);
    this.approvals =
        new ApprovalDesk(requests, ApproverGroups.VOUCHED_FOR, Clock.systemUTC(), registry);
    this.gateway =
        new Gateway(
            threads,
            registry,
            journal,
            approvals,
            (connection, shared) ->
                new PostgresqlServer(connection, shared, approvals, Optional.empty()),
            false,
            lease);
    this.configuration = new OperatorConfiguration(options.secrets(), gateway::apply);
    this.reports = new OperatorReports(gateway::served, configuration::unresolved, this::health);
    this.shipper = new RecordingShipper(journal);
    this.channel =
        new OperatorChannel(
            options.operator(),
            options.times(),
            newKey(),
            lease,
            // A request is said after its session, and both of what is in force.
            List.of(configuration, reports, requests, shipper),
            threads.backgroundLoop(),
            threads.waiting());
    new JvmMemoryMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
  }

  /** It is never written anywhere: who starts the sidecar anew has another one. */
  private static KeyPair newKey() {
    try {
      return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Starts everything, or leaves nothing running.
   *
   * @throws IOException when a port or a file stands in the way
   */
  static Cluster start(Options options) throws IOException {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    Journal journal =
        new Journal(
            options.journal().resolve("recordings"),
            RecordingKey.readOrCreate(
                options.journal().resolve("recording-key.pem"),
                options.journal().resolve("recording-key.pub.pem")),
            registry);
    Cluster cluster = new Cluster(options, registry, journal);
    try {
      if (options.managementPort().isPresent()) {
        cluster.management =
            new ManagementServer(
                options.managementPort().get(), cluster.registry, cluster::readiness);
      }
      cluster.approvals.start();
      cluster.configuration.start();
      cluster.reports.start();
      cluster.shipper.start();
      cluster.channel.start();
      if (options.probes().isPresent()) {
        cluster.pulse = cluster.pulse(new ProbeFiles(options.probes().get()));
        cluster.pulse.start();
      }
      return cluster;
    } catch (IOException e) {
      cluster.close();
      throw e;
    }
  }

  private Pulse pulse(ProbeFiles files) {
    Map<String, Executor> turning = new LinkedHashMap<>(threads.loops());
    turning.put("operator", channel.hearing());
    return new Pulse(files, Pulse.Times.STANDARD, turning, this::health);
  }

  private boolean announce(String session) {
    return reports.announce(session);
  }

  private Health health() {
    if (draining) {
      return new Health(false, "it is stopping");
    }
    return configuration.isConfigured()
        ? new Health(true, "")
        : new Health(false, "no configuration is in force");
  }

  private ManagementServer.Readiness readiness() {
    Health health = health();
    return new ManagementServer.Readiness(
        health.ready(),
        Map.of(
            "why",
            health.why(),
            "connections",
            gateway.served().stream().map(served -> served.connection().name()).toList()));
  }

  /** Runs when the process is told to stop: SIGTERM and SIGINT end it with exit code 0. */
  void stopAndHalt() {
    draining = true;
    int exitCode = 0;
    try {
      if (!gateway.drain(DRAIN_DEADLINE)) {
        LOGGER.log(System.Logger.Level.WARNING, "clients were still busy and were closed");
      }
      close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      exitCode = 1;
    }
    System.out.flush();
    System.err.flush();
    Runtime.getRuntime().halt(exitCode);
  }

  @Override
  public void close() {
    if (pulse != null) {
      pulse.close();
    }
    if (management != null) {
      management.close();
    }
    configuration.close();
    List<Gateway.Served> last = gateway.served();
    gateway.close();
    approvals.close();
    last.forEach(one -> one.connection().end(CloseReason.SHUTDOWN));
    reports.close();
    shipper.close();
    channel.close();
    journal.close();
    threads.close();
  }
}
