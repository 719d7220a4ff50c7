package dev.chaperone.operator.distribution;

import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.operator.channel.ConfigMapKeyBindings;
import dev.chaperone.operator.channel.ConnectedSidecar;
import dev.chaperone.operator.channel.RecordingKeyBindings;
import dev.chaperone.operator.channel.SidecarListener;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.store.StoreKeys;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.util.Optional;

/**
 * Everything that a replica does for the sidecars that are connected to it. What they say is taken
 * in at once and worked on elsewhere, so that no sidecar waits for the API server.
 */
public final class Distribution implements SidecarListener, AutoCloseable {
  private final ConnectedSidecars sidecars = new ConnectedSidecars();
  private final SidecarReports reports;
  private final ConfigurationPushes configurations;
  private final SessionRecords sessions;
  private final RequestRecords requests;
  private final Optional<Recordings> recordings;

  /**
   * Takes part in what the view tells.
   *
   * @param namespace the operator's own
   * @param instance names this replica
   * @param view not started yet
   * @param store where recordings are kept; without one they stay with the sidecars
   */
  public Distribution(
      KubernetesClient client,
      String namespace,
      String instance,
      ClusterView view,
      Clock clock,
      Optional<RecordingStore> store,
      MeterRegistry metrics) {
    reports = new SidecarReports(client, namespace, view);
    configurations = new ConfigurationPushes(client, view, sidecars, reports);
    AgentMetrics agents =
        new AgentMetrics(metrics, (of, name) -> view.connection(of, name).isPresent());
    sessions = new SessionRecords(client, view, sidecars, store.isPresent(), agents, clock);
    Gauge.builder("chaperone.gateways", sidecars, all -> all.all().size())
        .description("Gateways that talk to this replica")
        .register(metrics);
    Gauge.builder("chaperone.approvals.pending", view, ClusterView::pendingRequests)
        .description("Approval requests that wait for people")
        .register(metrics);
    requests = new RequestRecords(client, view, sidecars, clock);
    recordings =
        store.map(
            one ->
                new Recordings(
                    one,
                    new RecordingKeyBindings(new ConfigMapKeyBindings(client, namespace)),
                    StoreKeys.start(client, namespace),
                    view,
                    new RecordingStatuses(
                        client,
                        view,
                        sidecars,
                        sessions,
                        one.objects(),
                        new EventWriter(client, instance, clock),
                        clock),
                    new ObjectStorageEvents(
                        client, namespace, instance, new EventWriter(client, instance, clock)),
                    clock,
                    metrics));
    view.onConnection((before, now) -> configurations.changed(namespace(before, now)));
    view.onConnection(
        (before, now) -> {
          if (now == null) {
            agents.forget(before.getMetadata().getNamespace(), before.getMetadata().getName());
          }
        });
    view.onPolicy((before, now) -> configurations.changed(namespace(before, now)));
    view.onPod(
        (before, now) ->
            configurations.podChanged((now == null ? before : now).getMetadata().getUid()));
    view.onSession(
        (before, now) -> {
          if (now != null) {
            sessions.changed(now);
          }
        });
    view.onRequest((before, now) -> requests.changed(now == null ? before : now));
    view.onReport((before, now) -> reports.changed((now == null ? before : now).uid()));
  }

  private static String namespace(HasMetadata before, HasMetadata now) {
    return (now == null ? before : now).getMetadata().getNamespace();
  }

  /** Everything was seen once: who waits for a configuration can be told. */
  public void synced() {
    configurations.synced();
    recordings.ifPresent(Recordings::synced);
  }

  @Override
  public void connected(ConnectedSidecar sidecar) {
    sidecars.add(sidecar);
    reports.connected(sidecar);
    recordings.ifPresentOrElse(
        one -> one.intake().connected(sidecar), () -> sidecar.keepsRecordings(false, 0));
    configurations.connected(sidecar);
  }

  @Override
  public void disconnected(ConnectedSidecar sidecar) {
    sidecars.remove(sidecar);
    configurations.disconnected(sidecar);
    reports.disconnected(sidecar);
    sessions.disconnected(sidecar);
    requests.disconnected(sidecar);
    recordings.ifPresent(one -> one.intake().disconnected(sidecar));
  }

  @Override
  public void configurationApplied(
      ConnectedSidecar sidecar, ChannelMessage.ConfigurationApplied applied) {
    configurations.applied(sidecar, applied);
  }

  @Override
  public void configurationRejected(
      ConnectedSidecar sidecar, ChannelMessage.ConfigurationRejected rejected) {
    configurations.rejected(sidecar, rejected);
  }

  @Override
  public void sessionStarted(ConnectedSidecar sidecar, ChannelMessage.SessionStarted started) {
    sessions.started(sidecar, started);
  }

  @Override
  public void sessionProgress(ConnectedSidecar sidecar, ChannelMessage.SessionProgress progress) {
    sessions.progress(sidecar, progress);
  }

  @Override
  public void sessionEnded(ConnectedSidecar sidecar, ChannelMessage.SessionEnded ended) {
    sessions.ended(sidecar, ended);
  }

  @Override
  public void approvalRequested(
      ConnectedSidecar sidecar, ChannelMessage.ApprovalRequested requested) {
    requests.requested(sidecar, requested);
  }

  @Override
  public void requestReported(ConnectedSidecar sidecar, ChannelMessage.RequestReport report) {
    requests.reported(sidecar, report);
  }

  @Override
  public void conditionsReported(ConnectedSidecar sidecar, ChannelMessage.ConditionsReport report) {
    reports.conditions(sidecar, report);
  }

  @Override
  public void recordingOffered(ConnectedSidecar sidecar, ChannelMessage.RecordingOffered offered) {
    recordings.ifPresent(one -> one.intake().offered(sidecar, offered));
  }

  @Override
  public void recordingPiece(ConnectedSidecar sidecar, ChannelMessage.RecordingPiece piece) {
    recordings.ifPresent(one -> one.intake().piece(sidecar, piece));
  }

  @Override
  public void healthReported(ConnectedSidecar sidecar, ChannelMessage.Health health) {
    reports.health(sidecar, health);
  }

  /** Ends; what waits to be written is left to the sidecars, who say it again elsewhere. */
  @Override
  public void close() {
    recordings.ifPresent(Recordings::close);
    configurations.close();
    sessions.close();
    requests.close();
    reports.close();
  }
}
