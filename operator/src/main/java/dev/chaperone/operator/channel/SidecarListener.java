package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.ChannelMessage;

/**
 * Told what sidecars say. Calls for one sidecar come one after the other, each on a thread that may
 * wait; while they wait, that sidecar is not read from.
 *
 * <p>What is said was checked to be about the sidecar's own pod as far as the message itself shows.
 * Names of sessions and requests are the sidecar's to choose: who finds a resource of that name has
 * to see that it is of the same pod.
 */
public interface SidecarListener {

  /** A sidecar was let in; it waits for its configuration. */
  void connected(ConnectedSidecar sidecar);

  /**
   * The connection is gone. Nothing is known of the sidecar until it connects again; where a newer
   * connection of the same pod has ended this one, that may have been told of before.
   */
  void disconnected(ConnectedSidecar sidecar);

  /** What was sent last is in force. */
  void configurationApplied(ConnectedSidecar sidecar, ChannelMessage.ConfigurationApplied applied);

  /** What was sent last cannot be put in force. */
  void configurationRejected(
      ConnectedSidecar sidecar, ChannelMessage.ConfigurationRejected rejected);

  /** A session has begun, or goes on after a new connection. */
  void sessionStarted(ConnectedSidecar sidecar, ChannelMessage.SessionStarted started);

  /** What a session did so far. */
  void sessionProgress(ConnectedSidecar sidecar, ChannelMessage.SessionProgress progress);

  /** A session is over. */
  void sessionEnded(ConnectedSidecar sidecar, ChannelMessage.SessionEnded ended);

  /** An operation waits for approval; to be answered with shown or gone. */
  void approvalRequested(ConnectedSidecar sidecar, ChannelMessage.ApprovalRequested requested);

  /** Where a request stands; a final one is to be answered with settled. */
  void requestReported(ConnectedSidecar sidecar, ChannelMessage.RequestReport report);

  /** What the sidecar found out about a connection. */
  void conditionsReported(ConnectedSidecar sidecar, ChannelMessage.ConditionsReport report);

  /** There is something of a recording to be stored; to be answered with want or refuse. */
  void recordingOffered(ConnectedSidecar sidecar, ChannelMessage.RecordingOffered offered);

  /** The piece that was wanted; to be answered with stored or refuse. Not to be waited in. */
  void recordingPiece(ConnectedSidecar sidecar, ChannelMessage.RecordingPiece piece);

  /** How the sidecar is. */
  void healthReported(ConnectedSidecar sidecar, ChannelMessage.Health health);
}
