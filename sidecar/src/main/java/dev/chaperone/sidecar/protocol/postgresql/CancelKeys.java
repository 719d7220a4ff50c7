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
  private final Map<Key, TargetConnection> targets = new ConcurrentHashMap<>();
  private final Map<TargetConnection, Key> keys = new ConcurrentHashMap<>();

  /** Makes a secret for a connection. */
  int add(TargetConnection target) {
    Key key = new Key(target.processId(), random.nextInt());
    targets.put(key, target);
    keys.put(target, key);
    return key.secret();
  }

  void remove(TargetConnection target) {
    Key key = keys.remove(target);
    if (key != null) {
      targets.remove(key);
    }
  }

  Optional<TargetConnection> find(Startup.CancelRequest request) {
    return Optional.ofNullable(targets.get(new Key(request.processId(), request.secret())));
  }
}
