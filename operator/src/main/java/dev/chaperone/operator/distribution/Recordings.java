package dev.chaperone.operator.distribution;

import dev.chaperone.control.translation.Quantities;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.Recording;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.operator.channel.RecordingKeyBindings;
import dev.chaperone.operator.store.ObjectRetention;
import dev.chaperone.operator.store.ObjectUploads;
import dev.chaperone.operator.store.RecordingIntake;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.store.StoreKeys;
import dev.chaperone.operator.store.StoreRetention;
import dev.chaperone.operator.store.StoredSession;
import dev.chaperone.recording.Head;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/** Everything that a replica with a store does for recordings, and what it knows from resources. */
final class Recordings implements AutoCloseable {
  /** What the resource's schema says where nothing is said of recordings at all. */
  private static final Duration DEFAULT_RETENTION = Duration.ofDays(30);

  private final ClusterView view;
  private final RecordingStatuses statuses;
  private final RecordingIntake intake;
  private final StoreRetention retention;
  private final LostRecordings lost;
  private final StoreKeys storeKeys;
  private final Optional<ObjectUploads> uploads;
  private final Optional<ObjectRetention> objectRetention;

  /**
   * @param storeKeys closed with this
   * @param objectStorage told whether that works
   */
  Recordings(
      RecordingStore store,
      RecordingKeyBindings keys,
      StoreKeys storeKeys,
      ClusterView view,
      RecordingStatuses statuses,
      ObjectUploads.Observer objectStorage,
      Clock clock,
      MeterRegistry metrics) {
    this.view = view;
    this.statuses = statuses;
    this.intake =
        new RecordingIntake(store, keys, storeKeys::current, this::seen, statuses, metrics);
    this.storeKeys = storeKeys;
    this.retention = new StoreRetention(store, this::kept, clock);
    this.lost = new LostRecordings(store, view, this::kept, statuses, clock, metrics);
    this.uploads =
        store
            .objects()
            .map(
                objects ->
                    new ObjectUploads(store, objects, this::kept, objectStorage, clock, metrics));
    this.objectRetention =
        uploads.map(
            one -> new ObjectRetention(store.objects().orElseThrow(), this::kept, clock, one));
  }

  /** Connections are known from now on. */
  void synced() {
    retention.start();
    lost.start();
    uploads.ifPresent(ObjectUploads::start);
    objectRetention.ifPresent(ObjectRetention::start);
  }

  RecordingIntake intake() {
    return intake;
  }

  private Optional<Head> seen(StoredSession session) {
    return view.session(session.pod().namespace(), session.session())
        .filter(one -> one.getSpec().podUid().equals(session.pod().uid()))
        .filter(one -> one.getStatus() != null && one.getStatus().recording() != null)
        .map(one -> one.getStatus().recording())
        .filter(state -> RecordingStore.isLocation(state.location()))
        .flatMap(Recordings::head);
  }

  private static Optional<Head> head(RecordingState state) {
    return state.head() == null || state.events() == null
        ? Optional.empty()
        : Head.hashOf(state.head()).map(hash -> new Head(state.events(), hash));
  }

  private Optional<Duration> kept(String namespace, String connection) {
    return view.connections(namespace).stream()
        .filter(one -> one.getMetadata().getName().equals(connection))
        .findFirst()
        .map(Recordings::kept);
  }

  private static Duration kept(AgentConnection connection) {
    Recording said = connection.getSpec().recording();
    return said == null || said.retention() == null
        ? DEFAULT_RETENTION
        : Quantities.duration(said.retention());
  }

  @Override
  public void close() {
    lost.close();
    retention.close();
    objectRetention.ifPresent(ObjectRetention::close);
    intake.close();
    uploads.ifPresent(ObjectUploads::close);
    storeKeys.close();
    statuses.close();
  }
}
