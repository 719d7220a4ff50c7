package dev.chaperone.sidecar.approval;

import dev.chaperone.control.translation.ConnectionConfiguration.Recording;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.policy.Decision;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Facts;
import dev.chaperone.recording.Repeated;
import dev.chaperone.recording.Statement;
import dev.chaperone.sidecar.gateway.Recorder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** What the recording of a session says of one request. */
final class RequestRecord {
  private final String name;
  private final Recorder recorder;
  private final Recording settings;
  private final long client;

  RequestRecord(String name, HeldOperation operation) {
    this.name = name;
    this.recorder = operation.recorder();
    this.settings = operation.ruling().connection().recording();
    this.client = operation.client();
  }

  /** The request was opened; what is kept of the operation is what approvers read. */
  void opened(HeldOperation held, Instant expiresAt) {
    RequestOperation operation = held.operation();
    recorder.record(
        new Event.ApprovalOpened(
            name,
            client,
            Repeated.of(facts(held)),
            Statement.of(operation.text().getBytes(StandardCharsets.UTF_8), false, true),
            operation.digest(),
            expiresAt.toEpochMilli() * 1_000));
  }

  private static Facts facts(HeldOperation held) {
    Decision.Basis basis = held.decision().basis();
    return new Facts(
        Decision.Action.REQUIRE_APPROVAL.label(),
        basis.generation(),
        Optional.of(rule(held.decision().rules().get(0))),
        basis.reason(),
        held.operation().accesses().stream()
            .map(
                access ->
                    new Facts.Access(
                        label(access.effect().name()),
                        access.command(),
                        access.resource(),
                        Decision.Action.REQUIRE_APPROVAL.label()))
            .toList(),
        0,
        List.of());
  }

  private static String label(String constant) {
    return dev.chaperone.policy.Effect.valueOf(constant.toUpperCase(Locale.ROOT)).label();
  }

  private static Facts.Rule rule(Decision.RuleReference rule) {
    return new Facts.Rule(
        rule.namespace() + "/" + rule.policy(), rule.uid(), rule.generation(), rule.rule());
  }

  /** Somebody decided, and it counts. */
  void decided(Vote vote) {
    recorder.record(
        new Event.ApprovalDecided(
            name, vote.by(), vote.verdict() == ApprovalVerdict.APPROVE, vote.comment()));
  }

  /** Nobody decided or used it in time, or it is not wanted any more. */
  void ended(RequestState state) {
    if (state instanceof RequestState.Expired) {
      recorder.record(new Event.ApprovalExpired(name));
    } else if (state instanceof RequestState.Cancelled cancelled) {
      recorder.record(new Event.ApprovalCancelled(name, cancelled.reason()));
    }
  }

  /** It is used; completes when the disk has it. */
  CompletionStage<Void> used() {
    return recorder.use(settings, new Event.ApprovalUsed(name, client));
  }
}
