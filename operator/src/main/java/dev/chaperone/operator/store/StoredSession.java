package dev.chaperone.operator.store;

import dev.chaperone.operator.channel.SidecarPod;
import dev.chaperone.recording.SessionFiles;
import java.nio.file.Path;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * Which recording it is: a session is one of a pod, so that no pod can name another one's.
 *
 * @param pod as the API server said when it reviewed the sidecar's token
 * @param session the name, which the sidecar has chosen
 */
public record StoredSession(SidecarPod pod, String session) {
  private static final Pattern UID = Pattern.compile("[A-Za-z0-9][-A-Za-z0-9]{0,127}");

  public StoredSession {
    Objects.requireNonNull(pod, "pod");
    path(pod.uid(), session);
  }

  /**
   * Below the store's directory, where both names can be those of directories.
   *
   * @throws IllegalArgumentException where they cannot
   */
  static String path(String podUid, String session) {
    if (!SessionFiles.isSessionName(session) || !UID.matcher(podUid).matches()) {
      throw new IllegalArgumentException("not a name for a session of a pod");
    }
    return podUid + "/" + session;
  }

  /** Below the store's directory; both names were checked. */
  String path() {
    return path(pod.uid(), session);
  }

  Path directory(Path store) {
    return store.resolve(pod.uid()).resolve(session);
  }

  @Override
  public String toString() {
    return pod + "/" + session;
  }
}
