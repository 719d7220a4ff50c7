package dev.chaperone.operator.distribution;

import dev.chaperone.control.channel.ChannelMessage.IgnoredDecision;
import dev.chaperone.control.channel.ChannelMessage.RequestReport;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.ObservedDecision;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The status of a request, from what stands in it, what its sidecar said, and the time. A decision
 * is observed once: with the time at which the operator first saw it, and only before the request
 * expired. What is final stays as it is, whoever says otherwise.
 */
public final class RequestStatuses {
  /** Names the decisions that do not count. */
  static final String IGNORED = "DecisionIgnored";

  /** Until when an approval may be used. */
  static final String USABLE = "Usable";

  /** Why a request came to its end without a decision. */
  static final String CANCELLED = "Cancelled";

  private static final int MAX_DECISIONS = 16;
  private static final int MAX_WHY = 512;

  private RequestStatuses() {}

  /** Whether nothing happens to it any more. */
  public static boolean isFinal(ApprovalPhase phase) {
    return phase != null && phase != ApprovalPhase.PENDING && phase != ApprovalPhase.APPROVED;
  }

  /** The phase; one without is new. */
  public static ApprovalPhase phase(ApprovalRequestStatus status) {
    return status == null || status.phase() == null ? ApprovalPhase.PENDING : status.phase();
  }

  /** The status without word of a sidecar. */
  public static ApprovalRequestStatus next(
      ApprovalRequestSpec spec, ApprovalRequestStatus before, Instant now) {
    return next(spec, before, Optional.empty(), now);
  }

  /**
   * The status.
   *
   * @param before as it stands; may be null
   * @param report what the sidecar said last, if it did; credible
   */
  static ApprovalRequestStatus next(
      ApprovalRequestSpec spec,
      ApprovalRequestStatus before,
      Optional<RequestReport> report,
      Instant now) {
    if (before != null && isFinal(before.phase())) {
      return before;
    }
    ApprovalPhase phase = report.map(RequestReport::phase).orElseGet(() -> phase(before));
    Map<String, ObservedDecision> observed = observed(before);
    Map<String, String> ignored = new LinkedHashMap<>();
    boolean late = isLate(spec, now);
    for (ApprovalDecision decision : Conditions.list(spec.decisions())) {
      if (observed.containsKey(decision.by())) {
        continue;
      }
      if (isFinal(phase)) {
        ignored.put(decision.by(), "the request was closed before it was seen");
      } else if (late && !endsAnApproval(decision, phase)) {
        ignored.put(decision.by(), "it came after the request had expired");
      } else if (observed.size() < MAX_DECISIONS) {
        observed.put(
            decision.by(),
            new ObservedDecision(decision.by(), decision.verdict(), Words.time(now)));
      }
    }
    report.ifPresent(
        said ->
            said.ignored().stream()
                .limit(MAX_DECISIONS)
                .forEach(one -> add(one, observed, ignored)));
    List<Condition> found = new ArrayList<>();
    if (!ignored.isEmpty()) {
      found.add(
          Conditions.of(
              IGNORED, ConditionStatus.TRUE, late ? "TooLate" : "NotCounted", text(ignored), null));
    } else if (report.isEmpty() && before != null) {
      Conditions.find(before.conditions(), IGNORED).ifPresent(found::add);
    }
    ending(before, report, phase).ifPresent(found::add);
    return new ApprovalRequestStatus(
        phase,
        observed.isEmpty() ? null : List.copyOf(observed.values()),
        found.isEmpty()
            ? null
            : Conditions.merge(before == null ? null : before.conditions(), found, now));
  }

  /** The decisions that are observed, in the order in which they were. */
  private static Map<String, ObservedDecision> observed(ApprovalRequestStatus before) {
    Map<String, ObservedDecision> observed = new LinkedHashMap<>();
    if (before != null) {
      Conditions.list(before.decisions()).forEach(one -> observed.put(one.by(), one));
    }
    return observed;
  }

  /** A sidecar has a say about decisions that there are. */
  private static void add(
      IgnoredDecision one, Map<String, ObservedDecision> observed, Map<String, String> ignored) {
    if (observed.containsKey(one.by())) {
      ignored.putIfAbsent(one.by(), Words.shown(one.why(), MAX_WHY));
    }
  }

  private static boolean isLate(ApprovalRequestSpec spec, Instant now) {
    // What cannot be read has no time left.
    return Words.time(spec.request().expiresAt())
        .map(expiresAt -> !now.isBefore(expiresAt))
        .orElse(true);
  }

  /** Between an approval and its use, one more person can still say no. */
  private static boolean endsAnApproval(ApprovalDecision decision, ApprovalPhase phase) {
    return phase == ApprovalPhase.APPROVED && decision.verdict() == ApprovalVerdict.DENY;
  }

  private static String text(Map<String, String> ignored) {
    return ignored.entrySet().stream()
        .map(one -> one.getKey() + ": " + one.getValue())
        .collect(Collectors.joining("; "));
  }

  private static Optional<Condition> ending(
      ApprovalRequestStatus before, Optional<RequestReport> report, ApprovalPhase phase) {
    if (report.isEmpty()) {
      return before == null ? Optional.empty() : Conditions.find(before.conditions(), USABLE);
    }
    if (phase == ApprovalPhase.APPROVED) {
      return report
          .get()
          .until()
          .flatMap(Words::time)
          .map(
              until ->
                  Conditions.of(
                      USABLE,
                      ConditionStatus.TRUE,
                      "Approved",
                      "may be used until " + Words.time(until),
                      null));
    }
    return phase == ApprovalPhase.CANCELLED
        ? report.get().why().map(why -> cancelled("BySidecar", Words.shown(why, MAX_WHY)))
        : Optional.empty();
  }

  private static Condition cancelled(String reason, String why) {
    return Conditions.of(CANCELLED, ConditionStatus.TRUE, reason, why, null);
  }

  /**
   * Its end, where no sidecar can say it any more.
   *
   * @param phase Cancelled or Expired
   */
  public static ApprovalRequestStatus ended(
      ApprovalRequestSpec spec,
      ApprovalRequestStatus before,
      ApprovalPhase phase,
      String reason,
      String why,
      Instant now) {
    ApprovalRequestStatus last = next(spec, before, now);
    if (isFinal(last.phase())) {
      return last;
    }
    List<Condition> found = new ArrayList<>(Conditions.list(last.conditions()));
    found.removeIf(one -> one.type().equals(USABLE));
    found.add(
        Conditions.of(
            phase == ApprovalPhase.CANCELLED ? CANCELLED : "Expired",
            ConditionStatus.TRUE,
            reason,
            why,
            null));
    return new ApprovalRequestStatus(
        phase, last.decisions(), Conditions.merge(last.conditions(), found, now));
  }

  /**
   * Whether a report can be true: nothing is approved or denied but by decisions that the operator
   * has seen and written down, and passes on only then.
   */
  static boolean isCredible(
      RequestReport report, ApprovalRequestSpec spec, ApprovalRequestStatus before) {
    Set<String> approved =
        Conditions.list(before == null ? null : before.decisions()).stream()
            .filter(one -> one.verdict() == ApprovalVerdict.APPROVE)
            .map(ObservedDecision::by)
            .collect(Collectors.toSet());
    return switch (report.phase()) {
      case APPROVED, USED -> approved.size() >= spec.request().approvers().count();
      case DENIED ->
          Conditions.list(before == null ? null : before.decisions()).stream()
              .anyMatch(one -> one.verdict() == ApprovalVerdict.DENY);
      case PENDING, EXPIRED, CANCELLED -> true;
    };
  }

  /** The decisions that a sidecar may be told of: those that are observed, as they were made. */
  static List<ApprovalDecision> observedOf(ApprovalRequestSpec spec, ApprovalRequestStatus status) {
    Map<String, ObservedDecision> observed = observed(status);
    return Conditions.list(spec.decisions()).stream()
        .filter(
            decision -> {
              ObservedDecision seen = observed.get(decision.by());
              return seen != null && seen.verdict() == decision.verdict();
            })
        .toList();
  }
}
