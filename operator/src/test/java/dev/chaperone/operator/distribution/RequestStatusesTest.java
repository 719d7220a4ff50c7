package dev.chaperone.operator.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.channel.ChannelMessage.IgnoredDecision;
import dev.chaperone.control.channel.ChannelMessage.RequestReport;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ObservedDecision;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestApprovers;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.crds.v1alpha1.RequestPolicy;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RequestStatusesTest {
  private static final Instant EXPIRES = Instant.parse("2026-01-01T12:00:00Z");
  private static final Instant BEFORE = EXPIRES.minusMillis(1);
  private static final ApprovalDecision YES = decision("jane", ApprovalVerdict.APPROVE);
  private static final ApprovalDecision NO = decision("john", ApprovalVerdict.DENY);

  private static ApprovalDecision decision(String by, ApprovalVerdict verdict) {
    return new ApprovalDecision(by, verdict, null);
  }

  private static ApprovalRequestSpec spec(int count, ApprovalDecision... decisions) {
    return new ApprovalRequestSpec(
        new Request(
            "s-1",
            "orders",
            new RequestRequester("agent", List.of(), "agent", "agent-0", "uid-0"),
            new RequestOperation(
                Protocol.POSTGRESQL, List.of(), "SELECT", List.of(), "sha256:" + "0".repeat(64)),
            new RequestPolicy("agents", "writes", "uid-1", 1L),
            new RequestApprovers(List.of("dba"), List.of(), count, false),
            EXPIRES.toString()),
        List.of(decisions));
  }

  private static Optional<RequestReport> report(ApprovalPhase phase, IgnoredDecision... ignored) {
    return Optional.of(
        new RequestReport(
            "r-1", phase, List.of(), List.of(ignored), Optional.empty(), Optional.empty()));
  }

  private static ApprovalRequestStatus next(
      ApprovalRequestSpec spec,
      ApprovalRequestStatus before,
      Optional<RequestReport> report,
      Instant now) {
    return RequestStatuses.next(spec, before, report, now);
  }

  private static List<String> messages(ApprovalRequestStatus status) {
    return Conditions.list(status.conditions()).stream().map(Condition::message).toList();
  }

  @Test
  void aDecisionIsObservedOnceAndItsTimeStays() {
    ApprovalRequestStatus first = next(spec(1, YES), null, Optional.empty(), BEFORE);
    assertThat(first.phase()).isEqualTo(ApprovalPhase.PENDING);
    assertThat(first.decisions())
        .containsExactly(new ObservedDecision("jane", ApprovalVerdict.APPROVE, BEFORE.toString()));
    assertThat(next(spec(1, YES), first, Optional.empty(), EXPIRES.plusSeconds(9)))
        .isEqualTo(first);
  }

  @Test
  void aDecisionThatIsFirstSeenAtTheEndOrLaterCountsForNothing() {
    ApprovalRequestStatus late = next(spec(1, YES), null, Optional.empty(), EXPIRES);
    assertThat(late.decisions()).isNull();
    assertThat(messages(late)).containsExactly("jane: it came after the request had expired");
    assertThat(RequestStatuses.observedOf(spec(1, YES), late)).isEmpty();
    // Seen again it is no younger, and nothing is written.
    assertThat(next(spec(1, YES), late, Optional.empty(), EXPIRES.plusSeconds(9))).isEqualTo(late);
  }

  @Test
  void aDenialCountsUntilWhatIsApprovedIsUsed() {
    ApprovalRequestStatus approved =
        next(
            spec(1, YES),
            next(spec(1, YES), null, Optional.empty(), BEFORE),
            report(ApprovalPhase.APPROVED),
            BEFORE);
    ApprovalRequestSpec denied = spec(1, YES, NO);
    ApprovalRequestStatus after =
        next(denied, approved, report(ApprovalPhase.APPROVED), EXPIRES.plusSeconds(9));
    assertThat(RequestStatuses.observedOf(denied, after)).containsExactly(YES, NO);
    // One more approval after the end is none.
    ApprovalRequestSpec more = spec(1, YES, decision("joan", ApprovalVerdict.APPROVE));
    assertThat(
            RequestStatuses.observedOf(
                more, next(more, approved, report(ApprovalPhase.APPROVED), EXPIRES)))
        .containsExactly(YES);
  }

  @Test
  void aVerdictThatIsNotTheOneThatWasSeenIsNotPassedOn() {
    ApprovalRequestStatus seen = next(spec(1, YES), null, Optional.empty(), BEFORE);
    assertThat(RequestStatuses.observedOf(spec(1, decision("jane", ApprovalVerdict.DENY)), seen))
        .isEmpty();
  }

  @ParameterizedTest
  @EnumSource(
      value = ApprovalPhase.class,
      names = {"DENIED", "EXPIRED", "CANCELLED", "USED"})
  void whatIsFinalStaysWhateverIsSaid(ApprovalPhase phase) {
    ApprovalRequestStatus last = new ApprovalRequestStatus(phase, null, null);
    for (ApprovalPhase said : ApprovalPhase.values()) {
      assertThat(next(spec(1, YES, NO), last, report(said), BEFORE)).isEqualTo(last);
    }
    assertThat(
            RequestStatuses.ended(
                spec(1, YES), last, ApprovalPhase.CANCELLED, "PodGone", "gone", BEFORE))
        .isEqualTo(last);
  }

  @Test
  void onlyWhatWasSeenCanHaveDecided() {
    ApprovalRequestStatus one = next(spec(2, YES), null, Optional.empty(), BEFORE);
    for (ApprovalPhase phase : List.of(ApprovalPhase.APPROVED, ApprovalPhase.USED)) {
      RequestReport report = report(phase).orElseThrow();
      assertThat(RequestStatuses.isCredible(report, spec(1, YES), null)).isFalse();
      assertThat(RequestStatuses.isCredible(report, spec(2, YES), one)).isFalse();
      assertThat(RequestStatuses.isCredible(report, spec(1, YES), one)).isTrue();
    }
    RequestReport denied = report(ApprovalPhase.DENIED).orElseThrow();
    assertThat(RequestStatuses.isCredible(denied, spec(1, YES), one)).isFalse();
    ApprovalRequestStatus no = next(spec(1, NO), null, Optional.empty(), BEFORE);
    assertThat(RequestStatuses.isCredible(denied, spec(1, NO), no)).isTrue();
  }

  @Test
  void whatTheSidecarDoesNotCountIsNamedAndBounded() {
    ApprovalRequestStatus seen = next(spec(1, YES), null, Optional.empty(), BEFORE);
    ApprovalRequestStatus said =
        next(
            spec(1, YES),
            seen,
            report(
                ApprovalPhase.PENDING,
                new IgnoredDecision("jane", "is no dba\u202e" + "x".repeat(10_000)),
                new IgnoredDecision("nobody", "never decided")),
            BEFORE);
    assertThat(messages(said)).hasSize(1);
    assertThat(messages(said).get(0))
        .startsWith("jane: is no dba")
        .doesNotContain("\u202e", "nobody")
        .hasSizeLessThan(1_000);
    assertThat(said.decisions()).isEqualTo(seen.decisions());
  }

  @Test
  void anExpiryThatCannotBeReadHasPassed() {
    ApprovalRequestSpec odd = spec(1, YES);
    Request request = odd.request();
    ApprovalRequestSpec unreadable =
        new ApprovalRequestSpec(
            new Request(
                request.session(),
                request.connection(),
                request.requester(),
                request.operation(),
                request.policy(),
                request.approvers(),
                "2026-99-99T00:00:00Z"),
            odd.decisions());
    assertThat(next(unreadable, null, Optional.empty(), BEFORE).decisions()).isNull();
  }
}
