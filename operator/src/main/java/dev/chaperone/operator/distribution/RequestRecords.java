package dev.chaperone.operator.distribution;

import dev.chaperone.control.channel.ChannelMessage.ApprovalRequested;
import dev.chaperone.control.channel.ChannelMessage.RequestReport;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalRequest;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.operator.channel.ConnectedSidecar;
import dev.chaperone.operator.channel.RefusalReason;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/**
 * Shows the requests of the sidecars that are connected here to approvers, passes on what those
 * decided, and keeps what became of them. A decision is passed on only after the time at which it
 * was seen stands in the status, and a status is written only over the one it was made from: two
 * replicas that see the same decision cannot both have seen it first, and a sidecar counts nobody
 * twice.
 */
final class RequestRecords implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(RequestRecords.class.getName());
  private static final int THREADS = 8;
  private static final int ATTEMPTS = 4;

  /** Open ones and those that are kept; a sidecar that makes more is not asking people. */
  static final int MAX_OF_POD = 5_000;

  /** Texts are large; a sidecar of ours has at most 64 that are not shown. */
  static final int MAX_UNSHOWN = 256;

  /** Open ones, and the ends of those that are over until they are settled. */
  static final int MAX_KEPT = 10_000;

  /** The label that says which session asks, where its name can be a label. */
  static final String SESSION_LABEL = "chaperone.dev/session";

  /**
   * A request of a sidecar that is connected.
   *
   * @param requested what is to be shown, until it is
   * @param report what the sidecar said last
   * @param passed what the sidecar was told
   */
  private record Live(
      ConnectedSidecar sidecar,
      Optional<ApprovalRequested> requested,
      Optional<RequestReport> report,
      List<ApprovalDecision> passed) {

    static Live of(ConnectedSidecar sidecar) {
      return new Live(sidecar, Optional.empty(), Optional.empty(), List.of());
    }

    Live asks(ApprovalRequested now) {
      return new Live(sidecar, Optional.of(now), report, passed);
    }

    Live reports(RequestReport now) {
      return new Live(sidecar, requested, Optional.of(now), passed);
    }

    Live shown() {
      return new Live(sidecar, Optional.empty(), report, passed);
    }

    Live told(List<ApprovalDecision> decisions) {
      return new Live(sidecar, requested, report, decisions);
    }
  }

  private final KubernetesClient client;
  private final ClusterView view;
  private final ConnectedSidecars sidecars;
  private final Clock clock;
  private final StatusWriter statuses;
  private final KeyedWork work = new KeyedWork("requests", THREADS, Duration.ZERO, this::look);
  private final Map<String, Live> lives = new ConcurrentHashMap<>();

  /** What each sidecar made us keep, by key; entries go with what is kept. */
  private final Map<ConnectedSidecar, Kept> kept = new ConcurrentHashMap<>();

  /**
   * What is kept for a sidecar.
   *
   * @param unshown those with their texts
   * @param all every one
   */
  private record Kept(Set<String> unshown, Set<String> all) {
    Kept() {
      this(ConcurrentHashMap.newKeySet(), ConcurrentHashMap.newKeySet());
    }
  }

  RequestRecords(
      KubernetesClient client, ClusterView view, ConnectedSidecars sidecars, Clock clock) {
    this.client = client;
    this.view = view;
    this.sidecars = sidecars;
    this.clock = clock;
    this.statuses = new StatusWriter(client);
  }

  private static String key(String namespace, String name) {
    return namespace + "/" + name;
  }

  void requested(ConnectedSidecar sidecar, ApprovalRequested requested) {
    Set<String> unshown = kept.computeIfAbsent(sidecar, one -> new Kept()).unshown();
    unshown.add(key(sidecar.pod().namespace(), requested.name()));
    if (unshown.size() > MAX_UNSHOWN) {
      sidecar.disconnect(RefusalReason.PROTOCOL, "too many requests wait to be shown");
      return;
    }
    said(sidecar, requested.name(), live -> live.asks(requested));
  }

  void reported(ConnectedSidecar sidecar, RequestReport report) {
    said(sidecar, report.request(), live -> live.reports(report));
  }

  private void said(ConnectedSidecar sidecar, String name, UnaryOperator<Live> change) {
    if (!Words.isName(name)) {
      sidecar.disconnect(RefusalReason.PROTOCOL, "a request's name cannot be one of a resource");
      return;
    }
    String key = key(sidecar.pod().namespace(), name);
    Set<String> all = kept.computeIfAbsent(sidecar, one -> new Kept()).all();
    all.add(key);
    if (all.size() > MAX_KEPT) {
      sidecar.disconnect(RefusalReason.PROTOCOL, "too many requests are spoken of at once");
      return;
    }
    Live now =
        lives.compute(
            key,
            (k, known) -> {
              if (known != null && known.sidecar() == sidecar) {
                return change.apply(known);
              }
              boolean taken =
                  known != null
                      && sidecars.isCurrent(known.sidecar())
                      && !known.sidecar().pod().uid().equals(sidecar.pod().uid());
              return taken ? known : change.apply(Live.of(sidecar));
            });
    if (now.sidecar() == sidecar) {
      work.touchNow(key);
    } else {
      sidecar.gone(name, "there is a request of that name of another pod");
    }
  }

  /** A request was made, changed or deleted; not to be waited in. */
  void changed(ApprovalRequest request) {
    String key = key(request.getMetadata().getNamespace(), request.getMetadata().getName());
    if (lives.containsKey(key) || sidecar(request).isPresent()) {
      work.touchNow(key);
    }
  }

  private Optional<ConnectedSidecar> sidecar(ApprovalRequest request) {
    return sidecars
        .find(request.getSpec().request().requester().podUid())
        .filter(one -> one.pod().namespace().equals(request.getMetadata().getNamespace()));
  }

  /** It says everything again in its next conversation. */
  void disconnected(ConnectedSidecar sidecar) {
    lives.values().removeIf(live -> live.sidecar() == sidecar);
    kept.remove(sidecar);
  }

  /** Nothing of it matters any more, unless more was said of it meanwhile. */
  private void forget(String key, Live live) {
    if (lives.remove(key, live)) {
      Kept mine = kept.get(live.sidecar());
      if (mine != null) {
        mine.all().remove(key);
        mine.unshown().remove(key);
      }
    }
  }

  private void look(String key) throws RequestNotWrittenException {
    String namespace = key.substring(0, key.indexOf('/'));
    String name = key.substring(key.indexOf('/') + 1);
    Live live = lives.get(key);
    Optional<ApprovalRequest> seen = view.request(namespace, name);
    Optional<ApprovalRequest> current =
        seen.isPresent() || live == null ? seen : read(namespace, name);
    if (current.isEmpty()) {
      if (live == null) {
        return;
      }
      current = live.requested().isPresent() ? create(key, live) : missing(key, live);
      if (current.isEmpty()) {
        return;
      }
    }
    if (live == null) {
      Optional<ConnectedSidecar> sidecar = sidecar(current.get());
      if (sidecar.isEmpty()
          || RequestStatuses.isFinal(RequestStatuses.phase(current.get().getStatus()))) {
        return;
      }
      live = lives.computeIfAbsent(key, k -> Live.of(sidecar.get()));
    }
    Optional<String> objection = objection(current.get(), live);
    if (objection.isPresent()) {
      live.sidecar().gone(name, objection.get());
      forget(key, live);
      return;
    }
    written(namespace, name, live, current.get());
  }

  /** Why a resource is not the one that the sidecar means. */
  private static Optional<String> objection(ApprovalRequest request, Live live) {
    Request stored = request.getSpec().request();
    if (!stored.requester().podUid().equals(live.sidecar().pod().uid())) {
      return Optional.of("there is a request of that name of another pod");
    }
    return live.requested().isEmpty() || isSame(stored, live.requested().get().request())
        ? Optional.empty()
        : Optional.of("there is a request of that name for something else");
  }

  /** By what an approval is bound to; the API server fills in defaults elsewhere. */
  private static boolean isSame(Request one, Request other) {
    return one.operation().digest().equals(other.operation().digest())
        && one.operation().text().equals(other.operation().text())
        && one.session().equals(other.session())
        && one.connection().equals(other.connection())
        && one.policy().equals(other.policy())
        && one.expiresAt().equals(other.expiresAt());
  }

  private Optional<ApprovalRequest> missing(String key, Live live) {
    String name = key.substring(key.indexOf('/') + 1);
    if (live.report().filter(said -> RequestStatuses.isFinal(said.phase())).isPresent()) {
      live.sidecar().settled(name);
    } else {
      live.sidecar().gone(name, "the request was deleted");
    }
    forget(key, live);
    return Optional.empty();
  }

  private void written(String namespace, String name, Live live, ApprovalRequest first)
      throws RequestNotWrittenException {
    ApprovalRequest current = first;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      ApprovalRequestSpec spec = current.getSpec();
      Optional<RequestReport> report = live.report();
      if (report.isPresent()
          && !RequestStatuses.isFinal(RequestStatuses.phase(current.getStatus()))
          && !RequestStatuses.isCredible(report.get(), spec, current.getStatus())) {
        // What was seen may be older than what the sidecar was told of.
        Optional<ApprovalRequest> fresh = read(namespace, name);
        if (fresh.isPresent()
            && !RequestStatuses.isCredible(report.get(), spec, fresh.get().getStatus())) {
          LOGGER.log(
              System.Logger.Level.WARNING,
              "a sidecar says what nobody has decided request={0}/{1} pod={2}",
              namespace,
              name,
              live.sidecar());
          live.sidecar()
              .disconnect(RefusalReason.FOREIGN, "nobody has decided that of request " + name);
          return;
        }
        if (fresh.isEmpty()) {
          throw new RequestNotWrittenException();
        }
        current = fresh.get();
        continue;
      }
      ApprovalRequestStatus next =
          RequestStatuses.next(spec, current.getStatus(), report, Instant.now(clock));
      if (next.equals(current.getStatus())) {
        tell(namespace, name, live, spec, next);
        return;
      }
      try {
        statuses.write(ApprovalRequest::new, current, next);
        tell(namespace, name, live, spec, next);
        return;
      } catch (KubernetesClientException e) {
        if (!ApiErrors.isConflict(e)) {
          throw e;
        }
      }
      Optional<ApprovalRequest> fresh = read(namespace, name);
      if (fresh.isEmpty()) {
        throw new RequestNotWrittenException();
      }
      current = fresh.get();
    }
    throw new RequestNotWrittenException();
  }

  /** Others write as well; tried again with a little patience. */
  private static final class RequestNotWrittenException extends Exception {
    private static final long serialVersionUID = 1L;
  }

  /** What the sidecar is to know, now that the status says it. */
  private void tell(
      String namespace,
      String name,
      Live live,
      ApprovalRequestSpec spec,
      ApprovalRequestStatus status) {
    String key = key(namespace, name);
    if (live.requested().isPresent()) {
      live.sidecar().shown(name);
      lives.computeIfPresent(
          key, (k, now) -> now.requested().equals(live.requested()) ? now.shown() : now);
    }
    if (RequestStatuses.isFinal(status.phase())) {
      if (live.report().filter(said -> RequestStatuses.isFinal(said.phase())).isPresent()) {
        live.sidecar().settled(name);
      } else {
        live.sidecar().gone(name, "the request is closed: " + status.phase());
      }
      Live last = lives.get(key);
      if (last != null && last.sidecar() == live.sidecar()) {
        forget(key, last);
      }
      return;
    }
    List<ApprovalDecision> decisions = RequestStatuses.observedOf(spec, status);
    if (!decisions.isEmpty() && !decisions.equals(live.passed())) {
      live.sidecar().decide(name, decisions);
      lives.computeIfPresent(
          key, (k, now) -> now.sidecar() == live.sidecar() ? now.told(decisions) : now);
    }
  }

  private Optional<ApprovalRequest> read(String namespace, String name) {
    return Optional.ofNullable(
        client.resources(ApprovalRequest.class).inNamespace(namespace).withName(name).get());
  }

  /** Empty where it cannot be; the sidecar was told then. */
  private Optional<ApprovalRequest> create(String key, Live live) {
    ApprovalRequested requested = live.requested().orElseThrow();
    if (view.requestsOfPod(live.sidecar().pod().uid()).size() >= MAX_OF_POD) {
      return refused(key, live, "the pod has too many requests");
    }
    try {
      return Optional.of(
          client
              .resources(ApprovalRequest.class)
              .inNamespace(live.sidecar().pod().namespace())
              .resource(request(live, requested))
              .create());
    } catch (KubernetesClientException e) {
      if (ApiErrors.isConflict(e)) {
        return read(live.sidecar().pod().namespace(), requested.name());
      }
      if (ApiErrors.isForGood(e) || ApiErrors.isNotFound(e)) {
        return refused(key, live, "it could not be shown: the API server answers " + e.getCode());
      }
      throw e;
    }
  }

  private Optional<ApprovalRequest> refused(String key, Live live, String why) {
    String name = live.requested().orElseThrow().name();
    LOGGER.log(
        System.Logger.Level.WARNING,
        "request not shown key={0} pod={1} why=\"{2}\"",
        key,
        live.sidecar(),
        why);
    live.sidecar().gone(name, why);
    forget(key, live);
    return Optional.empty();
  }

  private static ApprovalRequest request(Live live, ApprovalRequested requested) {
    Map<String, String> labels = new HashMap<>();
    Words.label(labels, SESSION_LABEL, requested.request().session());
    Words.label(labels, SessionRecords.CONNECTION_LABEL, requested.request().connection());
    Words.label(labels, SessionRecords.POD_LABEL, live.sidecar().pod().name());
    ApprovalRequest request = new ApprovalRequest();
    request.setMetadata(
        new ObjectMetaBuilder()
            .withNamespace(live.sidecar().pod().namespace())
            .withName(requested.name())
            .withLabels(labels)
            .build());
    request.setSpec(new ApprovalRequestSpec(requested.request(), List.of()));
    return request;
  }

  @Override
  public void close() {
    work.close();
  }
}
