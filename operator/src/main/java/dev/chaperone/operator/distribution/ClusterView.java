package dev.chaperone.operator.distribution;

import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequest;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.fabric8.kubernetes.client.informers.cache.Cache;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * What the API server holds, as informers see it: a moment old at times, and whole once it is
 * synced. Those who look at it have to bear an old look: writes name the version they were made
 * from. Handlers are told on the informers' threads and must not wait.
 */
public final class ClusterView implements AutoCloseable {
  /** The label that injection gives to the pods it has put a gateway in. */
  public static final String INJECTION_LABEL = "chaperone.dev/injection";

  /** What that label says. */
  public static final String INJECTED = "injected";

  private static final System.Logger LOGGER = System.getLogger(ClusterView.class.getName());
  private static final String BY_POD = "pod";
  private static final String BY_CONNECTION = "connection";
  private static final String BY_REPORTED_NAMESPACE = "reported-namespace";

  private final SharedIndexInformer<AgentConnection> connections;
  private final SharedIndexInformer<AccessPolicy> policies;
  private final SharedIndexInformer<ApprovalRequest> requests;
  private final SharedIndexInformer<AgentSession> sessions;
  private final SharedIndexInformer<Pod> pods;
  private final SharedIndexInformer<ConfigMap> reports;
  private final List<SharedIndexInformer<?>> all;

  /** Reports as they were read, by name: each is read once and looked at again and again. */
  private final Map<String, ReadReport> read = new ConcurrentHashMap<>();

  private record ReadReport(String version, Optional<SidecarReport> report) {}

  /**
   * Looks at nothing yet.
   *
   * @param namespace the operator's own
   */
  public ClusterView(KubernetesClient client, String namespace) {
    connections = client.resources(AgentConnection.class).inAnyNamespace().runnableInformer(0);
    policies = client.resources(AccessPolicy.class).inAnyNamespace().runnableInformer(0);
    requests = client.resources(ApprovalRequest.class).inAnyNamespace().runnableInformer(0);
    sessions = client.resources(AgentSession.class).inAnyNamespace().runnableInformer(0);
    pods = client.pods().inAnyNamespace().withLabel(INJECTION_LABEL, INJECTED).runnableInformer(0);
    reports =
        client
            .configMaps()
            .inNamespace(namespace)
            .withLabel(SidecarReports.LABEL)
            .runnableInformer(0);
    index(requests, BY_POD, request -> request.getSpec().request().requester().podUid());
    index(sessions, BY_POD, session -> session.getSpec().podUid());
    index(
        sessions,
        BY_CONNECTION,
        session ->
            byConnection(session.getMetadata().getNamespace(), session.getSpec().connection()));
    index(pods, BY_POD, pod -> pod.getMetadata().getUid());
    index(
        reports, BY_REPORTED_NAMESPACE, map -> read(map).map(SidecarReport::namespace).orElse(""));
    reports.addEventHandler(
        handler(
            (before, now) -> {
              if (now == null) {
                read.remove(before.getMetadata().getName());
              }
            }));
    all = List.of(connections, policies, requests, sessions, pods, reports);
  }

  private static <T extends HasMetadata> void index(
      SharedIndexInformer<T> informer, String name, Function<T, String> key) {
    informer.addIndexers(Map.of(name, item -> List.of(key.apply(item))));
  }

  private static String byConnection(String namespace, String connection) {
    return namespace + "/" + connection;
  }

  private Optional<SidecarReport> read(ConfigMap map) {
    String version = map.getMetadata().getResourceVersion();
    return read.compute(
            map.getMetadata().getName(),
            (name, known) ->
                known != null && known.version().equals(version)
                    ? known
                    : new ReadReport(version, SidecarReports.read(map)))
        .report();
  }

  /** Begins to look, and does so again whenever it fails. */
  public void start() {
    for (SharedIndexInformer<?> informer : all) {
      informer.exceptionHandler(
          (started, failure) -> {
            LOGGER.log(
                System.Logger.Level.WARNING,
                "looking is tried again kind={0} error={1}",
                informer.getApiTypeClass().getSimpleName(),
                ApiErrors.describe(failure));
            return true;
          });
      informer.start();
    }
  }

  /** Whether everything was seen once. */
  public boolean isSynced() {
    return all.stream().allMatch(SharedIndexInformer::hasSynced);
  }

  /** Tells of connections: as they were, and are; null where there is none. */
  public void onConnection(BiConsumer<AgentConnection, AgentConnection> handler) {
    connections.addEventHandler(handler(handler));
  }

  /** Tells of policies. */
  public void onPolicy(BiConsumer<AccessPolicy, AccessPolicy> handler) {
    policies.addEventHandler(handler(handler));
  }

  /** Tells of requests. */
  public void onRequest(BiConsumer<ApprovalRequest, ApprovalRequest> handler) {
    requests.addEventHandler(handler(handler));
  }

  /** Tells of sessions. */
  public void onSession(BiConsumer<AgentSession, AgentSession> handler) {
    sessions.addEventHandler(handler(handler));
  }

  /** Tells of pods with a gateway. */
  public void onPod(BiConsumer<Pod, Pod> handler) {
    pods.addEventHandler(handler(handler));
  }

  /** Tells of what sidecars reported; what cannot be read is as if it were not there. */
  public void onReport(BiConsumer<SidecarReport, SidecarReport> handler) {
    reports.addEventHandler(
        handler(
            (before, now) -> {
              SidecarReport was = before == null ? null : SidecarReports.read(before).orElse(null);
              SidecarReport is = now == null ? null : read(now).orElse(null);
              if (was != null || is != null) {
                handler.accept(was, is);
              }
            }));
  }

  private static <T> ResourceEventHandler<T> handler(BiConsumer<T, T> handler) {
    return new ResourceEventHandler<>() {
      @Override
      public void onAdd(T item) {
        handler.accept(null, item);
      }

      @Override
      public void onUpdate(T before, T now) {
        handler.accept(before, now);
      }

      @Override
      public void onDelete(T item, boolean finalStateUnknown) {
        handler.accept(item, null);
      }
    };
  }

  /** The connections of a namespace. */
  public List<AgentConnection> connections(String namespace) {
    return connections.getIndexer().byIndex(Cache.NAMESPACE_INDEX, namespace);
  }

  /** All connections. */
  public List<AgentConnection> connections() {
    return connections.getIndexer().list();
  }

  /** A connection. */
  public Optional<AgentConnection> connection(String namespace, String name) {
    return find(connections, namespace, name);
  }

  /** The policies of a namespace. */
  public List<AccessPolicy> policies(String namespace) {
    return policies.getIndexer().byIndex(Cache.NAMESPACE_INDEX, namespace);
  }

  /** A request. */
  public Optional<ApprovalRequest> request(String namespace, String name) {
    return find(requests, namespace, name);
  }

  /** All requests. */
  public List<ApprovalRequest> requests() {
    return requests.getIndexer().list();
  }

  /** How many requests wait for people. */
  public long pendingRequests() {
    return requests.getIndexer().list().stream()
        .filter(
            request ->
                request.getStatus() == null
                    || request.getStatus().phase() == null
                    || request.getStatus().phase() == ApprovalPhase.PENDING)
        .count();
  }

  /** The requests of a pod, the open ones and those that are over. */
  public List<ApprovalRequest> requestsOfPod(String uid) {
    return requests.getIndexer().byIndex(BY_POD, uid);
  }

  /** A session. */
  public Optional<AgentSession> session(String namespace, String name) {
    return find(sessions, namespace, name);
  }

  /** All sessions. */
  public List<AgentSession> sessions() {
    return sessions.getIndexer().list();
  }

  /** The sessions of a connection, those that are over among them. */
  public List<AgentSession> sessionsOf(String namespace, String connection) {
    return sessions.getIndexer().byIndex(BY_CONNECTION, byConnection(namespace, connection));
  }

  /** The sessions of a pod. */
  public List<AgentSession> sessionsOfPod(String uid) {
    return sessions.getIndexer().byIndex(BY_POD, uid);
  }

  /** A pod with a gateway, by its uid. */
  public Optional<Pod> pod(String uid) {
    return pods.getIndexer().byIndex(BY_POD, uid).stream().findFirst();
  }

  /** What sidecars reported, one ConfigMap each. */
  public List<ConfigMap> reports() {
    return reports.getIndexer().list();
  }

  /** What the sidecars of a namespace reported. */
  public List<SidecarReport> reportsOf(String namespace) {
    return reports.getIndexer().byIndex(BY_REPORTED_NAMESPACE, namespace).stream()
        .map(this::read)
        .flatMap(Optional::stream)
        .toList();
  }

  /** What one sidecar reported. */
  public Optional<ConfigMap> report(String namespace, String name) {
    return find(reports, namespace, name);
  }

  private static <T> Optional<T> find(
      SharedIndexInformer<T> informer, String namespace, String name) {
    return Optional.ofNullable(
        informer.getStore().getByKey(Cache.namespaceKeyFunc(namespace, name)));
  }

  @Override
  public void close() {
    all.forEach(SharedIndexInformer::stop);
  }
}
