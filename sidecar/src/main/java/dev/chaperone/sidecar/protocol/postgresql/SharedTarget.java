package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.control.translation.ConnectionConfiguration.Tls;
import dev.chaperone.policy.masking.MaskKey;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.SqlAnalyzer;
import dev.chaperone.policy.sql.SqlLimits;
import dev.chaperone.sidecar.approval.ApprovalDesk;
import dev.chaperone.sidecar.gateway.GatewayThreads;
import dev.chaperone.sidecar.gateway.GuardedConnection;
import dev.chaperone.sidecar.gateway.Ruling;
import dev.chaperone.sidecar.gateway.TargetState;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Promise;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;

/**
 * What the client connections of one AgentConnection share while it leads to one target: the way to
 * the target, its catalog, the cancel keys, the judgements of each event loop. When the connection
 * leads elsewhere, another one takes its place: nothing that was learnt of one target is held
 * against another. Safe for use by any thread.
 */
final class SharedTarget implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(SharedTarget.class.getName());
  private static final String MONITOR_APPLICATION = "chaperone";

  private final GuardedConnection connection;
  private final ConnectionConfiguration route;
  private final GatewayThreads threads;
  private final TargetConnector connector;
  private final Canceller canceller;
  private final ApprovalDesk desk;
  private final HeldOperations heldOperations;
  private final CancelKeys cancelKeys = new CancelKeys();
  private final CatalogMonitor catalog;
  private final MaskBinding masks;
  private final MaskKey maskKey = MaskKey.random();
  private final Map<EventLoop, JudgementContexts> contexts = new ConcurrentHashMap<>();
  private final String impossiblePortal;
  private volatile TargetAddress address;
  private CompletableFuture<SqlAnalyzer> analyzer;
  private boolean closed;

  SharedTarget(GuardedConnection connection, GatewayThreads threads, ApprovalDesk desk) {
    this.connection = connection;
    this.route = connection.ruling().connection();
    this.threads = threads;
    this.connector = new TargetConnector(threads.waiting());
    this.canceller = new Canceller(connector);
    this.desk = desk;
    this.heldOperations = new HeldOperations(connection.session());
    this.catalog =
        new CatalogMonitor(
            connection.name(),
            this::connectMonitor,
            () -> connection.clientCount() > 0,
            threads.backgroundLoop());
    this.masks =
        new MaskBinding(
            unresolved ->
                connection.unresolvedMasks(
                    unresolved.stream()
                        .map(mask -> mask.pattern() + ": " + mask.consequence())
                        .toList()));
    byte[] name = new byte[16];
    new SecureRandom().nextBytes(name);
    this.impossiblePortal = "chaperone_" + HexFormat.of().formatHex(name);
  }

  GuardedConnection connection() {
    return connection;
  }

  /** Whether its target is the one that the connection leads to under this ruling. */
  boolean isFor(Ruling ruling) {
    return route.hasTargetOf(ruling.connection());
  }

  CatalogMonitor catalogMonitor() {
    return catalog;
  }

  CancelKeys cancelKeys() {
    return cancelKeys;
  }

  Canceller canceller() {
    return canceller;
  }

  /** What the masks of this session are keyed with. */
  MaskKey maskKey() {
    return maskKey;
  }

  ApprovalDesk desk() {
    return desk;
  }

  HeldOperations heldOperations() {
    return heldOperations;
  }

  /** What is remembered of judgements; one for each client. */
  JudgementRecords newJudgementRecords() {
    return new JudgementRecords(Concealment::standard);
  }

  /** A name for portals and statements of the gateway's own, unknown to clients. */
  String impossiblePortal() {
    return impossiblePortal;
  }

  /**
   * Reads the catalog before the first client asks for it, so that a target that cannot be reached
   * is known of early and the first client does not wait.
   */
  void prepare() {
    catalog
        .load()
        .whenComplete(
            (read, failure) -> {
              if (failure == null) {
                bound(read);
              } else {
                LOGGER.log(
                    System.Logger.Level.WARNING,
                    "target not reached connection={0} cause={1}",
                    connection.name(),
                    LoginFailures.of(failure).metricCause());
              }
            });
  }

  /** Gets ready for a client: the catalog is read and the analyzer is there. */
  CompletionStage<Catalog> ready() {
    return analyzer().thenCombine(catalog.load(), (there, read) -> bound(read));
  }

  /** Binds the masks here, so that no client's event loop has to. */
  private Catalog bound(Catalog read) {
    masks.columns(connection.ruling().masks(), read);
    return read;
  }

  /**
   * The analyzer, made when the first client comes: its grammar is the largest part of the gateway,
   * and takes a moment to load.
   */
  private synchronized CompletableFuture<SqlAnalyzer> analyzer() {
    if (analyzer == null && closed) {
      return CompletableFuture.failedFuture(LoginFailure.givenUp());
    }
    if (analyzer == null) {
      // How long a statement may be is the session's to check: it changes with the configuration.
      SqlLimits limits = SqlLimits.DEFAULT.withTextBytes(Integer.MAX_VALUE);
      analyzer = CompletableFuture.supplyAsync(() -> new SqlAnalyzer(limits), threads.computing());
    }
    return analyzer;
  }

  /**
   * A judge for one client on one event loop; only once {@link #ready()}.
   *
   * @param inForce the catalog of the server that the client is on
   */
  Judge newJudge(EventLoop loop, Supplier<Catalog> inForce) {
    return new Judge(
        connection,
        inForce,
        contexts.computeIfAbsent(loop, any -> new JudgementContexts()),
        masks,
        analyzer().join(),
        threads.computing(),
        loop,
        Clock.systemUTC());
  }

  /**
   * Logs in to the target.
   *
   * @param settings of the session, already judged
   */
  void logIn(EventLoop loop, Map<String, String> settings, Promise<TargetConnection> result) {
    Ruling ruling = connection.ruling();
    if (!isFor(ruling)) {
      // The credential in force is another target's.
      result.tryFailure(LoginFailure.givenUp());
      return;
    }
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("database", route.target().database());
    parameters.putAll(settings);
    // Pinned: the gateway reads every statement under these two. Values of the startup packet are
    // also what RESET and DISCARD ALL go back to.
    parameters.put("client_encoding", "UTF8");
    parameters.put("standard_conforming_strings", "on");
    result.addListener(
        done -> {
          if (isFor(connection.ruling())) {
            connection.targetState(
                done.isSuccess()
                    ? TargetState.REACHABLE
                    : TargetState.unreachable(LoginFailures.of(done.cause()).metricCause()));
          }
        });
    try {
      ConnectionConfiguration configured = ruling.connection();
      connector.logIn(
          loop, address(configured.tls()), parameters, configured.credentials(), result);
    } catch (SSLException e) {
      result.tryFailure(LoginFailure.tls());
    }
  }

  private void connectMonitor(EventLoop loop, Promise<TargetConnection> result) {
    logIn(loop, Map.of("application_name", MONITOR_APPLICATION), result);
  }

  /** Made anew when the gateway's own certificate is another. */
  private TargetAddress address(Tls tls) throws SSLException {
    TargetAddress known = address;
    if (known == null || !known.tls().isFor(tls)) {
      ConnectionConfiguration.Target target = route.target();
      known = new TargetAddress(target.host(), target.port(), new TargetTls(tls));
      address = known;
    }
    return known;
  }

  @Override
  public synchronized void close() {
    closed = true;
    catalog.stop();
    if (analyzer != null) {
      analyzer.thenAccept(SqlAnalyzer::close);
    }
  }
}
