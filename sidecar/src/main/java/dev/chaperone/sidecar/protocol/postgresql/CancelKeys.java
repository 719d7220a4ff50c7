package dev.chaperone.sidecar.protocol.postgresql;

import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What clients cancel their work with. A client is told the backend's own process id, which it may
 * compare with {@code pg_backend_pid()}, and a secret of the gateway's: the backend's own secret
 * stays here. Safe for use by any thread.
 */
final class CancelKeys {
  private record Key(int processId, int secret) {}

  private final SecureRandom random = new SecureRandom();
  private final Map<Key, ClientSession> sessions = new ConcurrentHashMap<>();
  private final Map<ClientSession, Key> keys = new ConcurrentHashMap<>();

  /** Makes a secret for a connection. */
  int add(ClientSession session) {
    Key key = new Key(session.processId(), random.nextInt());
    sessions.put(key, session);
    keys.put(session, key);
    return key.secret();
  }

  void remove(ClientSession session) {
    Key key = keys.remove(session);
    if (key != null) {
      sessions.remove(key);
    }
  }

  Optional<ClientSession> find(Startup.CancelRequest request) {
    return Optional.ofNullable(sessions.get(new Key(request.processId(), request.secret())));
  }
}
