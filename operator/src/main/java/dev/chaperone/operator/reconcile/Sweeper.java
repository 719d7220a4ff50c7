package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequest;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.operator.channel.ConfigMapKeyBindings;
import dev.chaperone.operator.distribution.ApiErrors;
import dev.chaperone.operator.distribution.ClusterView;
import dev.chaperone.operator.distribution.Conditions;
import dev.chaperone.operator.distribution.RequestStatuses;
import dev.chaperone.operator.distribution.SidecarReports;
import dev.chaperone.operator.distribution.StatusWriter;
import dev.chaperone.operator.distribution.Words;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ManagedFieldsEntry;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Ends what no sidecar can end any more, and deletes what is over for long enough. Looks at
 * everything each time, so that nothing depends on having seen the moment when it happened. A
 * status is written only over the version it was made from: where a sidecar's replica was quicker,
 * its word stands.
 */
final class Sweeper {
  private static final System.Logger LOGGER = System.getLogger(Sweeper.class.getName());
  private static final String POD_ANNOTATION = "chaperone.dev/pod";
  private static final String KEY_PREFIX = "chaperone-sidecar-key-";

  /** ConfigMaps are looked at once in so many sweeps: they are in nobody's way. */
  private static final int CONFIG_MAPS_EVERY = 6;

  /** So that a large number of old things does not keep the rest waiting. */
  private static final int MAX_DELETIONS = 500;

  /** How long a pod that is gone is remembered, so that it is not asked for again and again. */
  private static final Duration REMEMBERED = Duration.ofMinutes(10);

  private final KubernetesClient client;
  private final ControlSettings settings;
  private final ClusterView view;
  private final BooleanSupplier leads;
  private final StatusWriter statuses;

  /** Since when a pod was not there, by uid, in the clock's time. */
  private final Map<String, Instant> missing = new HashMap<>();

  private int sweeps;
  private int deletions;

  Sweeper(
      KubernetesClient client, ControlSettings settings, ClusterView view, BooleanSupplier leads) {
    this.client = client;
    this.settings = settings;
    this.view = view;
    this.leads = leads;
    this.statuses = new StatusWriter(client);
  }

  /** Looks at everything once. */
  void sweep() {
    Instant now = Instant.now(settings.clock());
    deletions = 0;
    List<Runnable> steps = new ArrayList<>();
    view.sessions().forEach(session -> steps.add(() -> session(session, now)));
    view.requests().forEach(request -> steps.add(() -> request(request, now)));
    if (sweeps++ % CONFIG_MAPS_EVERY == 0) {
      steps.add(() -> keyBindings(now));
      view.reports().forEach(map -> steps.add(() -> report(map, now)));
    }
    for (Runnable step : steps) {
      if (!leads.getAsBoolean()) {
        return;
      }
      quietly(step);
    }
    missing
        .values()
        .removeIf(since -> since.plus(settings.patience()).plus(REMEMBERED).isBefore(now));
  }

  /** What one resource does to us is no matter of the others. */
  private static void quietly(Runnable step) {
    try {
      step.run();
    } catch (KubernetesClientException e) {
      if (!ApiErrors.isConflict(e) && !ApiErrors.isNotFound(e)) {
        LOGGER.log(
            System.Logger.Level.WARNING,
            "to be looked at again in the next sweep error={0}",
            ApiErrors.describe(e));
      }
    }
  }

  private void session(AgentSession session, Instant now) {
    AgentSessionStatus status = session.getStatus();
    SessionPhase phase = status == null ? null : status.phase();
    if (phase == SessionPhase.ENDED || phase == SessionPhase.REVOKED) {
      // What was revoked is remembered for as long as its pod could begin another session.
      if (!Boolean.TRUE.equals(session.getSpec().revoked())
          || view.pod(session.getSpec().podUid()).isEmpty()) {
        deleteAfter(session, settings.sessionRetention(), now);
      }
      return;
    }
    if (isGone(
        session.getMetadata().getNamespace(),
        session.getSpec().pod(),
        session.getSpec().podUid(),
        now)) {
      lost(
          session,
          "PodGone",
          "the pod is gone, and its gateway did not say how the session ended",
          now);
    } else if (isFollowed(session, now)) {
      lost(
          session,
          "GatewayRestarted",
          "the pod's gateway was started anew, and did not say how the session ended",
          now);
    }
  }

  /**
   * Whether the pod has a later session with the same connection: a gateway that was killed begins
   * another one, and knows nothing of the one before.
   */
  private boolean isFollowed(AgentSession session, Instant now) {
    Optional<Instant> begun = created(session);
    return view.sessionsOfPod(session.getSpec().podUid()).stream()
        .filter(other -> other.getSpec().connection().equals(session.getSpec().connection()))
        .map(Sweeper::created)
        .flatMap(Optional::stream)
        .anyMatch(
            later ->
                begun.map(later::isAfter).orElse(false)
                    && !now.isBefore(later.plus(settings.patience())));
  }

  /** By the API server's clock, which no sidecar sets; to the second. */
  private static Optional<Instant> created(AgentSession session) {
    return Words.time(session.getMetadata().getCreationTimestamp());
  }

  private void lost(AgentSession session, String reason, String why, Instant now) {
    AgentSessionStatus status = session.getStatus();
    AgentSessionStatus was =
        status == null ? new AgentSessionStatus(null, null, null, null, null, null, null) : status;
    statuses.write(
        AgentSession::new,
        session,
        new AgentSessionStatus(
            SessionPhase.ENDED,
            was.operations(),
            was.maskedValues(),
            was.rows(),
            was.lastActivity(),
            was.recording(),
            Conditions.with(
                was.conditions(),
                Conditions.of("Lost", ConditionStatus.TRUE, reason, why, null),
                now)));
  }

  private void request(ApprovalRequest request, Instant now) {
    ApprovalPhase phase = RequestStatuses.phase(request.getStatus());
    if (RequestStatuses.isFinal(phase)) {
      deleteAfter(request, settings.requestRetention(), now);
      return;
    }
    RequestRequester requester = request.getSpec().request().requester();
    String namespace = request.getMetadata().getNamespace();
    if (isGone(namespace, requester.pod(), requester.podUid(), now)) {
      end(request, ApprovalPhase.CANCELLED, "PodGone", "the agent's pod is gone", now);
    } else if (sessionIsOver(namespace, request, now)) {
      end(request, ApprovalPhase.CANCELLED, "SessionOver", "the session has ended", now);
    } else if (phase == ApprovalPhase.PENDING && isPast(expiry(request), now)) {
      end(request, ApprovalPhase.EXPIRED, "NobodyDecided", "nobody decided in time", now);
    } else {
      // The replica that has the sidecar is mostly quicker; where there is none, a decision is seen
      // in time all the same.
      ApprovalRequestStatus next =
          RequestStatuses.next(request.getSpec(), request.getStatus(), now);
      if (!next.equals(request.getStatus())) {
        statuses.write(ApprovalRequest::new, request, next);
      }
    }
  }

  private void end(
      ApprovalRequest request, ApprovalPhase phase, String reason, String why, Instant now) {
    statuses.write(
        ApprovalRequest::new,
        request,
        RequestStatuses.ended(request.getSpec(), request.getStatus(), phase, reason, why, now));
  }

  /** A sidecar that is there says itself what becomes of its requests; it is given the time. */
  private boolean sessionIsOver(String namespace, ApprovalRequest request, Instant now) {
    return view.session(namespace, request.getSpec().request().session())
        .filter(session -> session.getStatus() != null)
        .filter(
            session ->
                session.getStatus().phase() == SessionPhase.ENDED
                    || session.getStatus().phase() == SessionPhase.REVOKED)
        .filter(session -> isPast(lastWritten(session), now))
        .isPresent();
  }

  private boolean isPast(Optional<Instant> time, Instant now) {
    return time.map(one -> !now.isBefore(one.plus(settings.patience()))).orElse(false);
  }

  private static Optional<Instant> expiry(ApprovalRequest request) {
    return Words.time(request.getSpec().request().expiresAt());
  }

  private void keyBindings(Instant now) {
    for (ConfigMap map :
        client
            .configMaps()
            .inNamespace(settings.namespace())
            .withLabel(ConfigMapKeyBindings.LABEL)
            .list()
            .getItems()) {
      String name = map.getMetadata().getName();
      String pod =
          Objects.requireNonNullElse(map.getMetadata().getAnnotations(), Map.<String, String>of())
              .getOrDefault(POD_ANNOTATION, "");
      int slash = pod.indexOf('/');
      if (slash > 0
          && name.startsWith(KEY_PREFIX)
          && isGone(
              pod.substring(0, slash),
              pod.substring(slash + 1),
              name.substring(KEY_PREFIX.length()),
              now)) {
        delete(map);
      }
    }
  }

  private void report(ConfigMap map, Instant now) {
    SidecarReports.read(map)
        .filter(report -> isGone(report.namespace(), report.pod(), report.uid(), now))
        .ifPresent(report -> delete(map));
  }

  /** Whether a pod has not been there for a while: its sidecar's last words may be on the way. */
  private boolean isGone(String namespace, String name, String uid, Instant now) {
    if (!Words.isName(name) || !Words.isName(namespace)) {
      return false;
    }
    if (view.pod(uid).isPresent() || isThere(namespace, name, uid)) {
      missing.remove(uid);
      return false;
    }
    Instant since = missing.computeIfAbsent(uid, u -> now);
    return Duration.between(since, now).compareTo(settings.patience()) >= 0;
  }

  /** Past the cache: it may be old, and knows only pods with the label. */
  private boolean isThere(String namespace, String name, String uid) {
    if (missing.containsKey(uid)) {
      // A uid never comes back.
      return false;
    }
    Pod pod = client.pods().inNamespace(namespace).withName(name).get();
    return pod != null && uid.equals(pod.getMetadata().getUid());
  }

  private void deleteAfter(HasMetadata resource, Duration retention, Instant now) {
    boolean due =
        lastWritten(resource).map(end -> !now.isBefore(end.plus(retention))).orElse(false);
    if (due) {
      delete(resource);
    }
  }

  /** When the operator last wrote the status; what is final is not written again. */
  private static Optional<Instant> lastWritten(HasMetadata resource) {
    return Conditions.list(resource.getMetadata().getManagedFields()).stream()
        .filter(entry -> "status".equals(entry.getSubresource()))
        .filter(entry -> StatusWriter.MANAGER.equals(entry.getManager()))
        .map(ManagedFieldsEntry::getTime)
        .map(Words::time)
        .flatMap(Optional::stream)
        .max(Instant::compareTo);
  }

  private void delete(HasMetadata resource) {
    if (deletions++ < MAX_DELETIONS) {
      client.resource(resource).delete();
    }
  }
}
