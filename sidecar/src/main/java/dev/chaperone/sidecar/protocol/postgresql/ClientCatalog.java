package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.CatalogQuery;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;

/**
 * What one client's operations are judged by: the catalog of the server that it is on. The target's
 * name may lead to several servers, or elsewhere than when the catalog was read.
 *
 * <p>Belongs to its session's event loop.
 */
final class ClientCatalog {
  private static final String NOT_READ = "the target's catalog could not be read again";

  private final ClientSession session;
  private final CatalogMonitor monitor;
  private TargetCatalog inForce;

  /** Which server the client is on; null until it has said so. */
  private String server;

  /** Its server is not the one that the catalog is read from. */
  private boolean strayed;

  ClientCatalog(ClientSession session, CatalogMonitor monitor) {
    this.session = session;
    this.monitor = monitor;
    this.inForce = monitor.current();
  }

  /**
   * Goes on once the catalog in force is known to be that of the client's server; ends the session
   * where none is.
   *
   * @param ofClient what {@link TargetCatalog#SERVER} said on the client's own connection
   */
  void confirm(String ofClient, Runnable then) {
    server = ofClient;
    inForce = monitor.current();
    if (inForce.isOf(server)) {
      then.run();
      return;
    }
    whenDone(
        monitor.reconnect(),
        catalog -> {
          inForce = monitor.current();
          if (inForce.isOf(server)) {
            then.run();
          } else {
            compare(then);
          }
        });
  }

  /** Replicas of one server have the same catalog. */
  private void compare(Runnable then) {
    session.ask(
        List.of(TargetCatalog.EMPTY_SEARCH_PATH, CatalogQuery.FINGERPRINT.sql()),
        NOT_READ,
        values -> {
          if (values.get(1).equals(inForce.catalog().fingerprint())) {
            then.run();
          } else {
            session.end(
                ErrorReply.fatal(
                    SqlState.CANNOT_CONNECT_NOW,
                    "the target's name leads to servers that are not alike",
                    "Connect again."));
          }
        });
  }

  /**
   * The catalog to judge by: the one last read, where it was read from this client's server. Where
   * it was read from another one and differs, nothing tells what this client's server is like by
   * now, and the session ends.
   */
  Catalog inForce() {
    TargetCatalog current = monitor.current();
    if (server != null && current.catalog() != inForce.catalog()) {
      if (current.isOf(server)) {
        inForce = current;
      } else if (!strayed) {
        strayed = true;
        session.later(this::endStrayed);
      }
    }
    return inForce.catalog();
  }

  /** Goes on with the catalog as it is after what this client has changed in it. */
  void refresh(Runnable then) {
    whenDone(
        monitor.refresh(),
        catalog -> {
          if (monitor.current().isOf(server)) {
            then.run();
          } else {
            endStrayed();
          }
        });
  }

  private void endStrayed() {
    session.end(
        ErrorReply.fatal(
            SqlState.ADMIN_SHUTDOWN,
            "terminating connection: the target's name leads to another server now; connect"
                + " again"));
  }

  private void whenDone(CompletionStage<Catalog> read, Consumer<Catalog> then) {
    read.whenComplete(
        (catalog, failure) ->
            session.later(
                () -> {
                  if (failure == null) {
                    then.accept(catalog);
                  } else {
                    session.end(ErrorReply.fatal(SqlState.CANNOT_CONNECT_NOW, NOT_READ));
                  }
                }));
  }
}
