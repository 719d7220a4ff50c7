package dev.chaperone.sidecar.protocol.postgresql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * The prepared statements and portals of one client, by name, as the target may hold them.
 *
 * <p>While messages are in flight the target may hold either of several statements under a name.
 * Every one of them is a candidate until the target has answered, and a Bind must be allowed for
 * each. SQL ({@code PREPARE}, {@code DECLARE}) and protocol (Parse, Bind) share one name space, as
 * they do on the server (commands/prepare.c, utils/mmgr/portalmem.c).
 *
 * <p>Used by one event loop.
 */
final class StatementNames {
  /** Bounds what a client can make the gateway keep. */
  private static final int MAX_NAMES = 10_000;

  private static final long MAX_TEXT_BYTES = 16L << 20;
  private static final int MAX_CANDIDATES = 16;

  /** What a message changes among the names once the target says it succeeded. */
  sealed interface Change permits PreparedStatement, ClosedStatement, ClosedPortal {}

  /** A Close of a prepared statement. */
  record ClosedStatement(String name) implements Change {}

  /** A Close of a portal; one that was bound to the name since then stays. */
  record ClosedPortal(String name, Portal portal) implements Change {}

  /**
   * A portal or cursor.
   *
   * @param operation what its rows count for
   * @param judgements what it may run, one for each candidate
   * @param texts the statements' texts, in the same order
   * @param group the group it was bound in
   * @param withHold whether it outlives its transaction
   */
  record Portal(
      RunningOperation operation,
      List<Judgement> judgements,
      List<byte[]> texts,
      long group,
      boolean withHold) {}

  private final Map<String, List<PreparedStatement>> confirmed = new HashMap<>();
  private final Map<String, List<PreparedStatement>> pending = new HashMap<>();
  private final Map<String, Portal> portals = new HashMap<>();
  private PreparedStatement unnamed;
  private PreparedStatement unnamedPending;
  private Portal unnamedPortal;
  private long textBytes;

  /** Whether one more statement of that length may be kept. */
  boolean hasRoomFor(int bytes) {
    return textBytes + bytes <= MAX_TEXT_BYTES
        && confirmed.size() + pending.size() + portals.size() < MAX_NAMES;
  }

  /** A Parse is on its way. */
  void parsing(PreparedStatement statement) {
    if (statement.name().isEmpty()) {
      unnamedPending = statement;
    } else {
      pending.computeIfAbsent(statement.name(), name -> new ArrayList<>(1)).add(statement);
      textBytes += statement.text().length;
    }
  }

  /** A {@code PREPARE} is on its way: it stays a candidate until its name is closed. */
  void preparing(PreparedStatement statement) {
    List<PreparedStatement> candidates =
        confirmed.computeIfAbsent(statement.name(), name -> new ArrayList<>(1));
    if (candidates.size() >= MAX_CANDIDATES) {
      throw new ProtocolViolation("too many statements prepared under one name");
    }
    candidates.add(statement);
    textBytes += statement.text().length;
  }

  /** The target said that the change came about. */
  void succeeded(Change change) {
    if (change instanceof PreparedStatement statement) {
      if (statement.name().isEmpty()) {
        unnamed = statement;
        if (unnamedPending == statement) {
          unnamedPending = null;
        }
      } else {
        removePending(statement);
        // A Parse succeeds only where the name was free: there is no other candidate any more.
        removeAll(confirmed.remove(statement.name()));
        confirmed.put(statement.name(), new ArrayList<>(List.of(statement)));
      }
    } else if (change instanceof ClosedStatement closed) {
      close(closed.name());
    } else if (change instanceof ClosedPortal closed) {
      portals.remove(closed.name(), closed.portal());
    }
  }

  /** The target said that the change did not come about, or skipped it. */
  void failed(Change change) {
    if (change instanceof PreparedStatement statement) {
      if (unnamedPending == statement) {
        unnamedPending = null;
      } else if (!statement.name().isEmpty()) {
        removePending(statement);
        removeAll(List.of(statement));
      }
    }
  }

  /** Every statement a Bind to that name may run; empty where there is none. */
  List<PreparedStatement> candidates(String name) {
    if (name.isEmpty()) {
      PreparedStatement statement = unnamedPending != null ? unnamedPending : unnamed;
      return statement == null ? List.of() : List.of(statement);
    }
    List<PreparedStatement> settled = confirmed.getOrDefault(name, List.of());
    List<PreparedStatement> flying = pending.getOrDefault(name, List.of());
    if (flying.isEmpty()) {
      return settled;
    }
    if (settled.isEmpty()) {
      return flying;
    }
    List<PreparedStatement> all = new ArrayList<>(settled);
    all.addAll(flying);
    return all;
  }

  void close(String name) {
    if (name.isEmpty()) {
      unnamed = null;
    } else {
      removeAll(confirmed.remove(name));
    }
  }

  /** Those with a name; the unnamed one is no entry of the server's table (commands/prepare.c). */
  void closeAllStatements() {
    confirmed.values().forEach(this::removeAll);
    confirmed.clear();
  }

  void bind(String name, Portal portal) {
    if (name.isEmpty()) {
      unnamedPortal = portal;
    } else {
      portals.put(name, portal);
    }
  }

  /** The portal or cursor of that name, or null. */
  Portal portal(String name) {
    return name.isEmpty() ? unnamedPortal : portals.get(name);
  }

  void closePortal(String name) {
    portals.remove(name);
  }

  void closeAllPortals() {
    portals.clear();
  }

  /** A transaction ended: what was bound in it up to that group is gone, but for held cursors. */
  void transactionEnded(long group) {
    if (!portals.isEmpty()) {
      Iterator<Portal> all = portals.values().iterator();
      while (all.hasNext()) {
        Portal portal = all.next();
        if (portal.group() <= group && !portal.withHold()) {
          all.remove();
        }
      }
    }
  }

  /** Texts by name, for an analysis on another thread. */
  Map<String, List<byte[]>> statementTexts() {
    Map<String, List<byte[]>> texts = new HashMap<>();
    for (Map<String, List<PreparedStatement>> names : List.of(confirmed, pending)) {
      names.forEach(
          (name, statements) ->
              statements.forEach(
                  s -> texts.computeIfAbsent(name, n -> new ArrayList<>(1)).add(s.text())));
    }
    return texts;
  }

  /** Texts by cursor name, for an analysis on another thread. */
  Map<String, List<byte[]>> portalTexts() {
    Map<String, List<byte[]>> texts = new HashMap<>();
    portals.forEach((name, portal) -> texts.put(name, portal.texts()));
    return texts;
  }

  private void removePending(PreparedStatement statement) {
    List<PreparedStatement> flying = pending.get(statement.name());
    if (flying != null && flying.remove(statement) && flying.isEmpty()) {
      pending.remove(statement.name());
    }
  }

  private void removeAll(List<PreparedStatement> statements) {
    if (statements != null) {
      statements.forEach(statement -> textBytes -= statement.text().length);
    }
  }
}
