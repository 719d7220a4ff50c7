package dev.chaperone.sidecar;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.sidecar.approval.ApprovalDesk;
import dev.chaperone.sidecar.approval.ApproverGroups;
import dev.chaperone.sidecar.approval.RequestFiles;
import dev.chaperone.sidecar.control.AgentSessions;
import dev.chaperone.sidecar.control.ConfigurationState;
import dev.chaperone.sidecar.control.DirectoryWatch;
import dev.chaperone.sidecar.control.StatusDirectory;
import dev.chaperone.sidecar.gateway.ClientConnection.CloseReason;
import dev.chaperone.sidecar.gateway.Gateway;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import dev.chaperone.sidecar.gateway.ListenPassword;
import dev.chaperone.sidecar.journal.Journal;
import dev.chaperone.sidecar.management.ManagementServer;
import dev.chaperone.sidecar.protocol.postgresql.PostgresqlServer;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The gateway on one machine, configured by a directory. Put together here; stopped by SIGTERM or
 * SIGINT.
 */
final class Standalone {
  private static final System.Logger LOGGER = System.getLogger(Standalone.class.getName());

  /** How long busy clients may take to finish after SIGTERM. */
  private static final Duration DRAIN_DEADLINE = Duration.ofSeconds(10);

  private static final long STATUS_MILLIS = 1_000;

  /** The part of the status directory that holds a directory for each recorded session. */
  private static final String RECORDINGS = "recordings";

  /** What the command line said. */
  record Options(
      Path directory,
      Path status,
      List<TargetOverride> targets,
      boolean freePorts,
      ApproverGroups approverGroups,
      Optional<Integer> managementPort,
      Optional<Path> listenPasswordFile) {}

  private final Options options;
  private final PrometheusMeterRegistry registry;
  private final GatewayThreads threads;
  private final ApprovalDesk approvals;
  private final Journal journal;
  private final AgentSessions sessions;
  private final Gateway gateway;
  private final Counter rejected;

  private volatile ConfigurationState state;
  private volatile boolean draining;
  private final StatusDirectory statusDirectory;
  private DirectoryWatch watch;
  private ManagementServer management;

  private Standalone(
      Options options,
      StatusDirectory status,
      PrometheusMeterRegistry registry,
      Journal journal,
      Optional<ListenPassword> listenPassword) {
    this.options = options;
    this.statusDirectory = status;
    this.registry = registry;
    this.journal = journal;
    this.approvals =
        new ApprovalDesk(
            new RequestFiles(status.path()), options.approverGroups(), Clock.systemUTC(), registry);
    this.threads = new GatewayThreads(Runtime.getRuntime().availableProcessors());
    this.gateway =
        new Gateway(
            threads,
            registry,
            journal,
            approvals,
            (connection, shared) ->
                new PostgresqlServer(connection, shared, approvals, listenPassword),
            options.freePorts());
    this.sessions = new AgentSessions(status.path(), gateway::served);
    this.rejected =
        Counter.builder("chaperone.configuration.rejected")
            .description("Changes of the configuration that were not valid")
            .register(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
  }

  /**
   * Starts everything, or leaves nothing running.
   *
   * @throws InvalidConfigurationException when the directory does not hold a valid configuration
   * @throws IOException when a port or a file stands in the way
   */
  static Standalone start(Options options) throws InvalidConfigurationException, IOException {
    DirectoryWatch.Look look = DirectoryWatch.lookAt(options.directory());
    Configuration configuration = load(options, 1);
    Optional<ListenPassword> listenPassword = Optional.empty();
    if (options.listenPasswordFile().isPresent()) {
      Path file = options.listenPasswordFile().get();
      try {
        listenPassword = Optional.of(ListenPassword.read(file));
      } catch (IOException e) {
        throw new IOException("--listen-password-file " + file + ": " + reason(e), e);
      }
    }
    StatusDirectory status;
    try {
      status = StatusDirectory.open(options.status(), options.directory());
    } catch (IOException e) {
      throw new IOException("--status " + options.status() + ": " + reason(e), e);
    }
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    Journal journal = journal(status.path(), registry);
    Standalone standalone = new Standalone(options, status, registry, journal, listenPassword);
    try {
      standalone.begin(configuration, look);
      return standalone;
    } catch (IOException e) {
      standalone.release();
      throw e;
    }
  }

  private static Journal journal(Path status, PrometheusMeterRegistry registry) throws IOException {
    RecordingKey key =
        RecordingKey.readOrCreate(
            status.resolve("recording-key.pem"), status.resolve("recording-key.pub.pem"));
    return new Journal(status.resolve(RECORDINGS), key, registry);
  }

  /** Keeps the status up to date; the process ends when it is told to stop. */
  void run() throws InterruptedException {
    while (true) {
      Thread.sleep(STATUS_MILLIS);
      writeStatus();
    }
  }

  private void begin(Configuration configuration, DirectoryWatch.Look look) throws IOException {
    state = new ConfigurationState(1, Instant.now(), List.of());
    Gauge.builder("chaperone.configuration.generation", () -> state.generation())
        .description("Generation of the configuration in force")
        .register(registry);
    Gauge.builder("chaperone.configuration.current", () -> state.isCurrent() ? 1 : 0)
        .description("1 where the directory's present content is in force")
        .register(registry);
    if (options.managementPort().isPresent()) {
      int port = options.managementPort().get();
      try {
        management = new ManagementServer(port, registry, this::readiness);
      } catch (IOException e) {
        throw new IOException("--management-port " + port + ": " + reason(e), e);
      }
    }
    approvals.start();
    gateway.apply(configuration);
    watch =
        new DirectoryWatch(
            options.directory(),
            look,
            1,
            generation -> load(options, generation),
            new DirectoryWatch.Listener() {
              @Override
              public void changed(Configuration changed) throws IOException {
                apply(changed);
              }

              @Override
              public void invalid(List<Problem> problems) {
                reject(problems);
              }
            });
    Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop"));
    sessions.start();
    announce(configuration);
    watch.start();
  }

  private void announce(Configuration configuration) {
    configuration.notices().forEach(notice -> System.out.println("notice: " + notice));
    System.out.println(
        "notice: standalone mode is no boundary against processes of the same user on this machine");
    groupsWithoutMembers(configuration)
        .forEach(
            group ->
                System.out.println(
                    "notice: rules name group "
                        + group
                        + " as approvers, and nobody belongs to it: say who with --group "
                        + group
                        + "=USER"));
    System.out.println("recordings: " + journal.recordings());
    for (Gateway.Served served : gateway.served()) {
      System.out.println(
          served.connection().name()
              + ": PostgreSQL on "
              + String.join(" and ", served.addresses())
              + ", database "
              + served.connection().ruling().connection().target().database());
    }
    if (management != null) {
      System.out.println("management: http://127.0.0.1:" + management.port());
    }
    writeStatus();
    System.out.println("ready");
  }

  private SortedSet<String> groupsWithoutMembers(Configuration configuration) {
    SortedSet<String> groups = new TreeSet<>();
    for (ConnectionConfiguration connection : configuration.connections()) {
      configuration.policies().policies(connection.requester()).stream()
          .flatMap(policy -> policy.rules().stream())
          .flatMap(rule -> rule.approval().stream())
          .forEach(approval -> groups.addAll(approval.groups()));
    }
    groups.removeAll(options.approverGroups().members().keySet());
    return groups;
  }

  private void apply(Configuration configuration) throws IOException {
    gateway.apply(configuration);
    state = new ConfigurationState(configuration.generation(), Instant.now(), List.of());
    LOGGER.log(
        System.Logger.Level.INFO,
        "configuration in force generation={0} connections={1}",
        configuration.generation(),
        configuration.connections().size());
    writeStatus();
  }

  private void reject(List<Problem> problems) {
    rejected.increment();
    state = state.withProblems(problems);
    for (Problem problem : problems) {
      LOGGER.log(
          System.Logger.Level.ERROR,
          "configuration rejected, generation {0} stays in force: {1}",
          state.generation(),
          problem);
    }
    writeStatus();
  }

  private void writeStatus() {
    try {
      statusDirectory.write(state, gateway.served());
    } catch (IOException e) {
      LOGGER.log(System.Logger.Level.WARNING, "status could not be written: {0}", reason(e));
    }
  }

  private ManagementServer.Readiness readiness() {
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("generation", state.generation());
    details.put("configurationCurrent", state.isCurrent());
    details.put("problems", state.problems().stream().map(Problem::toString).toList());
    details.put("connections", gateway.served().stream().map(s -> s.connection().name()).toList());
    return new ManagementServer.Readiness(!draining, details);
  }

  /** Runs when the process is told to stop: SIGTERM and SIGINT end it with exit code 0. */
  private void stop() {
    draining = true;
    int exitCode = 0;
    try {
      watch.close();
      if (!gateway.drain(DRAIN_DEADLINE)) {
        LOGGER.log(System.Logger.Level.WARNING, "clients were still busy and were closed");
      }
      release();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      exitCode = 1;
    }
    System.out.flush();
    System.err.flush();
    Runtime.getRuntime().halt(exitCode);
  }

  private void release() {
    if (management != null) {
      management.close();
    }
    List<Gateway.Served> last = gateway.served();
    gateway.close();
    approvals.close();
    threads.close();
    last.forEach(one -> one.connection().end(CloseReason.SHUTDOWN));
    journal.close();
    sessions.close(last);
  }

  private static Configuration load(Options options, long generation)
      throws InvalidConfigurationException {
    Configuration configuration = Configuration.load(options.directory(), generation);
    try {
      return TargetOverride.apply(configuration, options.targets());
    } catch (IOException e) {
      throw new InvalidConfigurationException(
          List.of(new Problem(options.directory().toString(), 0, 0, "", e.getMessage())));
    }
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
