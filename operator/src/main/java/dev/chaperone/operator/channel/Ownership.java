package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.ChannelMessage.ApprovalRequested;
import dev.chaperone.control.channel.ChannelMessage.FromSidecar;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Sees to it that a sidecar speaks for its own pod and of sessions it has named. For one thread.
 */
final class Ownership {
  /** A pod has one session for each connection, and reconfigured ones come and go. */
  static final int MAX_SESSIONS = 1_000;

  private final SidecarPod pod;
  private final Map<String, String> connections = new HashMap<>();

  Ownership(SidecarPod pod) {
    this.pod = pod;
  }

  /** Why this may not be said; empty where it may. */
  Optional<String> objection(FromSidecar message) {
    if (message instanceof SessionStarted started) {
      return started(started);
    }
    if (message instanceof SessionProgress progress) {
      return known(progress.session());
    }
    if (message instanceof SessionEnded ended) {
      Optional<String> objection = known(ended.session());
      connections.remove(ended.session());
      return objection;
    }
    return message instanceof ApprovalRequested requested ? asked(requested) : Optional.empty();
  }

  private Optional<String> started(SessionStarted started) {
    if (!started.identity().serviceAccount().equals(pod.serviceAccount())) {
      return Optional.of("the session is of another service account");
    }
    if (connections.size() >= MAX_SESSIONS && !connections.containsKey(started.session())) {
      return Optional.of("more than " + MAX_SESSIONS + " sessions");
    }
    String earlier = connections.putIfAbsent(started.session(), started.connection());
    return earlier == null || earlier.equals(started.connection())
        ? Optional.empty()
        : Optional.of("the session is of another connection");
  }

  private Optional<String> known(String session) {
    return connections.containsKey(session)
        ? Optional.empty()
        : Optional.of("the session was not started here");
  }

  private Optional<String> asked(ApprovalRequested requested) {
    RequestRequester requester = requested.request().requester();
    if (!requester.pod().equals(pod.name()) || !requester.podUid().equals(pod.uid())) {
      return Optional.of("the request is of another pod");
    }
    if (!requester.serviceAccount().equals(pod.serviceAccount())) {
      return Optional.of("the request is of another service account");
    }
    return requested.request().connection().equals(connections.get(requested.request().session()))
        ? Optional.empty()
        : Optional.of("the request is of a session that was not started here");
  }
}
