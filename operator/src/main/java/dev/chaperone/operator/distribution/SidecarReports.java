package dev.chaperone.operator.distribution;

import dev.chaperone.control.channel.ChannelMessage.ConditionsReport;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.operator.channel.ConnectedSidecar;
import dev.chaperone.operator.channel.SidecarPod;
import dev.chaperone.operator.distribution.SidecarConfiguration.Stamp;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * Writes what sidecars say of themselves and their connections where the leader sees it, whichever
 * replica they talk to: a ConfigMap for each in the operator's own namespace, named after the pod's
 * uid. Not in the AgentSession: a sidecar whose configuration is refused has no session, and that
 * is what people have to know.
 */
public final class SidecarReports implements AutoCloseable {
  /** What marks these ConfigMaps. */
  public static final String LABEL = "chaperone.dev/sidecar-report";

  /** How often one sidecar's report is written at most. */
  static final Duration INTERVAL = Duration.ofSeconds(2);

  /**
   * A hundred a second: an edit that a thousand sidecars put in force is not to make a thousand
   * writes at the same time, while others are still to be told of it.
   */
  static final Duration PACE = Duration.ofMillis(10);

  private static final String PREFIX = "chaperone-sidecar-report-";
  private static final String KEY = "report";
  private static final int THREADS = 4;
  private static final int MAX_PROBLEMS = 20;
  private static final int MAX_CONNECTIONS = 64;
  private static final int MAX_CONDITIONS = 16;
  private static final int MAX_TEXT = 1_024;
  private static final Pattern WORD = Pattern.compile("[A-Za-z]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9])?");
  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(StatusWriter.MANAGER)
          .withForce(true)
          .build();

  /** What a sidecar said so far; nothing is written before it has answered a configuration. */
  private record Live(ConnectedSidecar sidecar, SidecarReport report, boolean answered) {}

  private final KubernetesClient client;
  private final String namespace;
  private final ClusterView view;
  private final Map<String, Live> lives = new ConcurrentHashMap<>();
  private final KeyedWork work = new KeyedWork("reports", THREADS, INTERVAL, PACE, this::write);

  SidecarReports(KubernetesClient client, String namespace, ClusterView view) {
    this.client = client;
    this.namespace = namespace;
    this.view = view;
  }

  /** What a ConfigMap says; empty where it is not what the operator wrote. */
  public static Optional<SidecarReport> read(ConfigMap map) {
    return map.getData() == null
        ? Optional.empty()
        : SidecarReport.parse(map.getData().get(KEY))
            .filter(report -> name(report.uid()).equals(map.getMetadata().getName()));
  }

  private static String name(String uid) {
    return PREFIX + uid;
  }

  void connected(ConnectedSidecar sidecar) {
    SidecarPod pod = sidecar.pod();
    // What was known stays known, so that a new connection alone is nothing to write.
    SidecarReport known =
        view.report(namespace, name(pod.uid()))
            .flatMap(SidecarReports::read)
            .orElseGet(() -> SidecarReport.empty(pod.namespace(), pod.name(), pod.uid()));
    lives.put(pod.uid(), new Live(sidecar, known, false));
  }

  /** What was not written yet is said again where the sidecar connects next. */
  void disconnected(ConnectedSidecar sidecar) {
    lives.computeIfPresent(
        sidecar.pod().uid(), (uid, live) -> live.sidecar() == sidecar ? null : live);
  }

  /** A report was written or removed, perhaps by another replica. */
  void changed(String uid) {
    if (lives.containsKey(uid)) {
      work.touch(uid);
    }
  }

  void applied(ConnectedSidecar sidecar, Stamp stamp) {
    if (update(sidecar, true, report -> report.applied(stamp))) {
      touch(sidecar, false);
    }
  }

  void rejected(ConnectedSidecar sidecar, Stamp stamp, List<String> problems) {
    List<String> bounded =
        problems.stream()
            .limit(MAX_PROBLEMS)
            .map(problem -> Words.shown(problem, MAX_TEXT))
            .toList();
    if (update(
        sidecar,
        true,
        report ->
            report.rejected(stamp, bounded.isEmpty() ? List.of("no reason was given") : bounded))) {
      touch(sidecar, true);
    }
  }

  void conditions(ConnectedSidecar sidecar, ConditionsReport said) {
    if (!Words.isName(said.connection())) {
      return;
    }
    List<Condition> bounded =
        said.conditions().stream()
            .limit(MAX_CONDITIONS)
            .filter(one -> WORD.matcher(one.type()).matches())
            .map(SidecarReports::bounded)
            .toList();
    if (update(
        sidecar,
        false,
        report ->
            report.conditions().size() >= MAX_CONNECTIONS
                    && !report.conditions().containsKey(said.connection())
                ? report
                : report.with(said.connection(), bounded))) {
      boolean wrong = bounded.stream().anyMatch(one -> one.status() == ConditionStatus.FALSE);
      touch(sidecar, wrong);
    }
  }

  private static Condition bounded(Condition one) {
    return new Condition(
        one.type(),
        one.status(),
        one.reason() != null && WORD.matcher(one.reason()).matches() ? one.reason() : "Reported",
        one.message() == null ? "" : Words.shown(one.message(), MAX_TEXT),
        null,
        null);
  }

  void health(ConnectedSidecar sidecar, Health health) {
    if (update(
        sidecar,
        false,
        report -> report.health(health.ready(), Words.shown(health.why(), MAX_TEXT)))) {
      touch(sidecar, !health.ready());
    }
  }

  /** What is wrong is what people have to know first. */
  private void touch(ConnectedSidecar sidecar, boolean wrong) {
    if (wrong) {
      work.touchAhead(sidecar.pod().uid());
    } else {
      work.touch(sidecar.pod().uid());
    }
  }

  /** Returns whether there is something to write. */
  private boolean update(
      ConnectedSidecar sidecar, boolean answers, UnaryOperator<SidecarReport> change) {
    Live now =
        lives.computeIfPresent(
            sidecar.pod().uid(),
            (uid, live) ->
                live.sidecar() == sidecar
                    ? new Live(sidecar, change.apply(live.report()), live.answered() || answers)
                    : live);
    return now != null && now.answered();
  }

  private void write(String uid) {
    Live live = lives.get(uid);
    if (live == null) {
      return;
    }
    String json = live.report().json();
    if (live.answered() && !json.equals(written(uid))) {
      apply(uid, json);
    }
  }

  private String written(String uid) {
    return view.report(namespace, name(uid))
        .map(map -> map.getData() == null ? null : map.getData().get(KEY))
        .orElse(null);
  }

  private void apply(String uid, String json) {
    ConfigMap map =
        new ConfigMapBuilder()
            .withNewMetadata()
            .withNamespace(namespace)
            .withName(name(uid))
            .addToLabels(LABEL, "true")
            .endMetadata()
            .addToData(KEY, json)
            .build();
    client.resource(map).patch(APPLY, map);
  }

  @Override
  public void close() {
    work.close();
  }
}
