package dev.chaperone.sidecar.protocol.postgresql;

import io.netty.channel.Channel;
import java.util.Map;

/**
 * A connection to the target on which the gateway is logged in and which nobody has used yet.
 *
 * @param channel not being read
 * @param address how it was reached, for cancel requests
 * @param parameters the settings the target reported
 * @param processId of the backend
 * @param cancelKey what cancels the backend's work; secret
 */
record TargetConnection(
    Channel channel,
    TargetAddress address,
    Map<String, String> parameters,
    int processId,
    int cancelKey) {

  /** The user the target knows the session by. */
  String sessionUser() {
    return parameters.getOrDefault("session_authorization", "");
  }

  @Override
  public String toString() {
    return "TargetConnection[processId=" + processId + "]";
  }
}
