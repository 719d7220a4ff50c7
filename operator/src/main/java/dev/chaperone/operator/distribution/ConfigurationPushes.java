package dev.chaperone.operator.distribution;

import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationRejected;
import dev.chaperone.operator.channel.ConnectedSidecar;
import dev.chaperone.operator.channel.SidecarPod;
import dev.chaperone.operator.distribution.SidecarConfiguration.Stamp;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Sends each sidecar what it is to enforce: at once when it connects and when that changes, but no
 * more often than a few times a second, always as a whole and as it is then. Nothing is sent before
 * everything was seen: half of the resources would be an order to forget the others.
 */
final class ConfigurationPushes implements AutoCloseable {
  /** Far below a second, and far above what edits by the thousand would make of it. */
  static final Duration INTERVAL = Duration.ofMillis(250);

  private static final int THREADS = 2;

  /** What was sent to a sidecar last. */
  private record Pushed(ConnectedSidecar sidecar, Stamp stamp, long revision) {}

  private final KubernetesClient client;
  private final ClusterView view;
  private final ConnectedSidecars sidecars;
  private final SidecarReports reports;
  private final KeyedWork work;
  private final SentDocuments documents = new SentDocuments();
  private final Map<String, Pushed> pushed = new ConcurrentHashMap<>();

  ConfigurationPushes(
      KubernetesClient client,
      ClusterView view,
      ConnectedSidecars sidecars,
      SidecarReports reports) {
    this.client = client;
    this.view = view;
    this.sidecars = sidecars;
    this.reports = reports;
    this.work = new KeyedWork("configurations", THREADS, INTERVAL, this::push);
  }

  /** Looks at what all have, once everything was seen. */
  void synced() {
    sidecars.all().forEach(this::connected);
  }

  void connected(ConnectedSidecar sidecar) {
    work.touchNow(sidecar.pod().uid());
  }

  void disconnected(ConnectedSidecar sidecar) {
    pushed.computeIfPresent(
        sidecar.pod().uid(), (uid, last) -> last.sidecar() == sidecar ? null : last);
  }

  /** Something has changed in a namespace. */
  void changed(String namespace) {
    sidecars.ofNamespace(namespace).forEach(sidecar -> work.touch(sidecar.pod().uid()));
  }

  /** A pod has changed. */
  void podChanged(String uid) {
    if (sidecars.find(uid).isPresent()) {
      work.touch(uid);
    }
  }

  private void push(String uid) {
    Optional<ConnectedSidecar> connected = sidecars.find(uid);
    if (connected.isEmpty() || !view.isSynced()) {
      return;
    }
    ConnectedSidecar sidecar = connected.get();
    Optional<Pod> pod = pod(sidecar.pod());
    if (pod.isEmpty()) {
      // It is on its way out; what it has stays in force until it is gone.
      return;
    }
    String namespace = sidecar.pod().namespace();
    SidecarConfiguration now =
        SidecarConfiguration.of(
            pod.get(),
            view.connections(namespace),
            view.policies(namespace),
            view.sessionsOfPod(uid));
    Stamp stamp = now.stamp();
    // In one step: its answer may come before this returns.
    pushed.compute(
        uid,
        (key, last) ->
            last != null && last.sidecar() == sidecar && last.stamp().equals(stamp)
                ? last
                : new Pushed(sidecar, stamp, sidecar.configure(now.documents(documents))));
  }

  private Optional<Pod> pod(SidecarPod known) {
    Optional<Pod> seen = view.pod(known.uid());
    return seen.isPresent()
        ? seen
        : Optional.ofNullable(
                client.pods().inNamespace(known.namespace()).withName(known.name()).get())
            .filter(pod -> pod.getMetadata().getUid().equals(known.uid()));
  }

  void applied(ConnectedSidecar sidecar, ConfigurationApplied applied) {
    answered(sidecar, applied.revision()).ifPresent(stamp -> reports.applied(sidecar, stamp));
  }

  void rejected(ConnectedSidecar sidecar, ConfigurationRejected rejected) {
    answered(sidecar, rejected.revision())
        .ifPresent(stamp -> reports.rejected(sidecar, stamp, rejected.problems()));
  }

  /** An answer to anything but the last is of yesterday. */
  private Optional<Stamp> answered(ConnectedSidecar sidecar, long revision) {
    return Optional.ofNullable(pushed.get(sidecar.pod().uid()))
        .filter(last -> last.sidecar() == sidecar && last.revision() == revision)
        .map(Pushed::stamp);
  }

  @Override
  public void close() {
    work.close();
  }
}
