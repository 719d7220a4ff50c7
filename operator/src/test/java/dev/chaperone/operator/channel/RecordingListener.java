package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.ChannelMessage;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/** Remembers what it was told; can be made to hear slowly. */
class RecordingListener implements SidecarListener {
  final List<ChannelMessage> heard = new CopyOnWriteArrayList<>();
  final List<String> comings = new CopyOnWriteArrayList<>();
  volatile ConnectedSidecar last;
  volatile CountDownLatch gate = new CountDownLatch(0);

  private void hear(ChannelMessage message) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    heard.add(message);
  }

  @Override
  public void connected(ConnectedSidecar sidecar) {
    last = sidecar;
    comings.add("connected " + sidecar);
  }

  @Override
  public void disconnected(ConnectedSidecar sidecar) {
    comings.add("disconnected " + sidecar);
  }

  @Override
  public void configurationApplied(
      ConnectedSidecar sidecar, ChannelMessage.ConfigurationApplied applied) {
    hear(applied);
  }

  @Override
  public void configurationRejected(
      ConnectedSidecar sidecar, ChannelMessage.ConfigurationRejected rejected) {
    hear(rejected);
  }

  @Override
  public void sessionStarted(ConnectedSidecar sidecar, ChannelMessage.SessionStarted started) {
    hear(started);
  }

  @Override
  public void sessionProgress(ConnectedSidecar sidecar, ChannelMessage.SessionProgress progress) {
    hear(progress);
  }

  @Override
  public void sessionEnded(ConnectedSidecar sidecar, ChannelMessage.SessionEnded ended) {
    hear(ended);
  }

  @Override
  public void approvalRequested(
      ConnectedSidecar sidecar, ChannelMessage.ApprovalRequested requested) {
    hear(requested);
  }

  @Override
  public void requestReported(ConnectedSidecar sidecar, ChannelMessage.RequestReport report) {
    hear(report);
  }

  @Override
  public void conditionsReported(ConnectedSidecar sidecar, ChannelMessage.ConditionsReport report) {
    hear(report);
  }

  @Override
  public void recordingOffered(ConnectedSidecar sidecar, ChannelMessage.RecordingOffered offered) {
    hear(offered);
  }

  @Override
  public void recordingPiece(ConnectedSidecar sidecar, ChannelMessage.RecordingPiece piece) {
    hear(piece);
  }

  @Override
  public void healthReported(ConnectedSidecar sidecar, ChannelMessage.Health health) {
    hear(health);
  }
}
