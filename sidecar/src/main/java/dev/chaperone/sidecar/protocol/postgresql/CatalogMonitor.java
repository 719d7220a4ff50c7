package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.CatalogQuery;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Promise;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * Keeps what the gateway knows of the target's catalog up to date: read before the first client is
 * let in, read again after DDL that went through the gateway, when a client finds itself on another
 * server than it was read from, and whenever a fingerprint taken every 30 seconds differs.
 *
 * <p>It has a connection of its own, opened only while there are clients. Works on one event loop
 * that carries no client's traffic; its methods may be called from any thread.
 */
final class CatalogMonitor {
  private static final System.Logger LOGGER = System.getLogger(CatalogMonitor.class.getName());
  private static final long POLL_SECONDS = 30;

  /** How long a catalog may take to be read. */
  private static final long READ_TIMEOUT_SECONDS = 60;

  /** Opens connections for the monitor. */
  interface Connector {
    void connect(EventLoop loop, Promise<TargetConnection> result);
  }

  private final String connectionName;
  private final Connector connector;
  private final java.util.function.BooleanSupplier hasClients;
  private final EventLoop loop;
  private volatile TargetCatalog current;

  private TargetClient client;

  /** Which server the client is connected to. */
  private String server;

  /** Its connection is to be opened anew: the target's name may lead elsewhere by now. */
  private boolean reconnecting;

  /** The connection that is being opened; null for none. */
  private Promise<TargetConnection> connecting;

  private CompletableFuture<Catalog> reading;
  private CompletableFuture<Catalog> readingAgain;
  private boolean polling;
  private boolean stopped;

  CatalogMonitor(
      String connectionName,
      Connector connector,
      java.util.function.BooleanSupplier hasClients,
      EventLoop loop) {
    this.connectionName = connectionName;
    this.connector = connector;
    this.hasClients = hasClients;
    this.loop = loop;
  }

  /** The catalog as last read; null before it was read for the first time. */
  TargetCatalog current() {
    return current;
  }

  /** The catalog, read now where that has not happened yet or has gone stale. */
  CompletionStage<Catalog> load() {
    CompletableFuture<Catalog> loaded = new CompletableFuture<>();
    loop.execute(
        () -> {
          if (current != null && client != null && client.isOpen()) {
            loaded.complete(current.catalog());
          } else {
            pass(read(), loaded);
          }
        });
    return loaded;
  }

  /** The catalog as it is after this moment. */
  CompletionStage<Catalog> refresh() {
    CompletableFuture<Catalog> refreshed = new CompletableFuture<>();
    loop.execute(
        () -> {
          if (reading == null) {
            pass(read(), refreshed);
            return;
          }
          // What is being read now may be older than this call.
          if (readingAgain == null) {
            readingAgain = new CompletableFuture<>();
            CompletableFuture<Catalog> again = readingAgain;
            reading.whenComplete(
                (catalog, failure) ->
                    loop.execute(
                        () -> {
                          readingAgain = null;
                          pass(read(), again);
                        }));
          }
          pass(readingAgain, refreshed);
        });
    return refreshed;
  }

  /** The catalog of where the target's name leads after this moment. */
  CompletionStage<Catalog> reconnect() {
    loop.execute(() -> reconnecting = true);
    return refresh();
  }

  /** Closes its connection, also one that is being opened, and opens no other. */
  void stop() {
    loop.execute(
        () -> {
          stopped = true;
          closeClient();
          if (connecting != null) {
            connecting.tryFailure(LoginFailure.givenUp());
          }
        });
  }

  private CompletableFuture<Catalog> read() {
    if (reading != null) {
      return reading;
    }
    CompletableFuture<Catalog> result = new CompletableFuture<>();
    reading = result;
    result.whenComplete((catalog, failure) -> reading = null);
    var timer =
        loop.schedule(
            () -> {
              result.completeExceptionally(LoginFailure.timedOut());
              closeClient();
            },
            READ_TIMEOUT_SECONDS,
            TimeUnit.SECONDS);
    result.whenComplete((catalog, failure) -> timer.cancel(false));
    withClient()
        .thenCompose(CatalogMonitor::fingerprint)
        .whenComplete(
            (fingerprint, failure) -> {
              if (failure != null) {
                result.completeExceptionally(LoginFailures.of(failure));
              } else if (current != null && fingerprint.equals(current.catalog().fingerprint())) {
                serve(current.catalog());
                result.complete(current.catalog());
              } else {
                readAll(result);
              }
            });
    schedulePoll();
    return result;
  }

  private void readAll(CompletableFuture<Catalog> result) {
    long begin = System.nanoTime();
    Catalog.Builder builder = Catalog.builder();
    CompletionStage<Void> all = CompletableFuture.completedFuture(null);
    for (CatalogQuery query : CatalogQuery.values()) {
      all = all.thenCompose(done -> client.query(query.sql(), row -> builder.row(query, row)));
    }
    all.whenComplete(
        (done, failure) -> {
          if (failure != null) {
            closeClient();
            result.completeExceptionally(LoginFailures.of(failure));
            return;
          }
          Catalog read;
          try {
            read = builder.build();
          } catch (RuntimeException e) {
            result.completeExceptionally(LoginFailure.protocol());
            return;
          }
          serve(read);
          LOGGER.log(
              System.Logger.Level.DEBUG,
              "catalog read connection={0} millis={1}",
              connectionName,
              TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
          result.complete(read);
        });
  }

  /** This catalog is in force; it was just confirmed on the connection that is open. */
  private void serve(Catalog catalog) {
    if (current != null && !current.isOf(server)) {
      LOGGER.log(
          System.Logger.Level.INFO,
          "target is another server now connection={0} catalog={1}",
          connectionName,
          current.catalog() == catalog ? "the same" : "another");
    }
    current = new TargetCatalog(catalog, server);
  }

  private static CompletionStage<String> fingerprint(TargetClient open) {
    return value(open, CatalogQuery.FINGERPRINT.sql());
  }

  /** The one value of a query; empty where there is none. */
  private static CompletionStage<String> value(TargetClient open, String sql) {
    List<String> values = new ArrayList<>(1);
    return open.query(sql, row -> values.add(row.get(0) == null ? "" : row.get(0)))
        .thenApply(done -> values.isEmpty() ? "" : values.get(0));
  }

  private CompletionStage<TargetClient> withClient() {
    if (reconnecting) {
      reconnecting = false;
      closeClient();
    }
    if (client != null && client.isOpen()) {
      return CompletableFuture.completedFuture(client);
    }
    if (stopped) {
      return CompletableFuture.failedFuture(LoginFailure.givenUp());
    }
    CompletableFuture<TargetClient> opened = new CompletableFuture<>();
    Promise<TargetConnection> connected = loop.newPromise();
    connecting = connected;
    connected.addListener(
        done -> {
          connecting = null;
          if (!connected.isSuccess()) {
            opened.completeExceptionally(connected.cause());
          } else if (stopped) {
            connected.getNow().channel().close();
            opened.completeExceptionally(LoginFailure.givenUp());
          } else {
            TargetClient fresh = new TargetClient(connected.getNow());
            client = fresh;
            value(fresh, CatalogQuery.WITHOUT_COMPILING.sql())
                .thenCompose(off -> value(fresh, TargetCatalog.SERVER))
                .whenComplete(
                    (name, failure) -> {
                      if (failure != null || name.isEmpty()) {
                        closeClient();
                        opened.completeExceptionally(
                            failure == null ? LoginFailure.protocol() : failure);
                      } else {
                        server = name;
                        opened.complete(fresh);
                      }
                    });
          }
        });
    connector.connect(loop, connected);
    return opened;
  }

  private void schedulePoll() {
    if (!polling && !stopped) {
      polling = true;
      loop.schedule(this::poll, POLL_SECONDS, TimeUnit.SECONDS);
    }
  }

  private void poll() {
    polling = false;
    if (stopped) {
      return;
    }
    if (!hasClients.getAsBoolean()) {
      closeClient();
      return;
    }
    read()
        .whenComplete(
            (catalog, failure) -> {
              if (failure != null) {
                LOGGER.log(
                    System.Logger.Level.WARNING,
                    "catalog could not be read connection={0} cause={1}",
                    connectionName,
                    LoginFailures.of(failure).metricCause());
              }
            });
    schedulePoll();
  }

  private void closeClient() {
    if (client != null) {
      client.close();
      client = null;
    }
  }

  private static void pass(CompletionStage<Catalog> from, CompletableFuture<Catalog> to) {
    from.whenComplete(
        (catalog, failure) -> {
          if (failure != null) {
            to.completeExceptionally(failure);
          } else {
            to.complete(catalog);
          }
        });
  }
}
