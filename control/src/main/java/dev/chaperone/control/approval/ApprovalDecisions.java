package dev.chaperone.control.approval;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Adds decisions to requests; whether a decision counts is for the gateway to say. */
public final class ApprovalDecisions {
  /** As the schema says; the gateway would not read more. */
  private static final int MAX_DECISIONS = 16;

  /** Why a decision cannot be added; safe to show. */
  public static final class NotDecidable extends Exception {
    private static final long serialVersionUID = 1L;

    NotDecidable(String message) {
      super(message);
    }
  }

  private ApprovalDecisions() {}

  /**
   * Adds a decision.
   *
   * @throws NotDecidable when there is no such request, or it is not open, or that user has decided
   */
  public static void add(
      StatusFiles<ApprovalRequestSpec, ApprovalRequestStatus> requests,
      String name,
      ApprovalDecision decision)
      throws IOException, InvalidConfigurationException, NotDecidable {
    Optional<String> refused =
        requests.locked(
            () -> {
              Optional<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> request =
                  requests.read(name);
              if (request.isEmpty()) {
                return Optional.of("there is no request " + name);
              }
              Optional<String> objection = objection(request.get(), decision);
              if (objection.isEmpty()) {
                ApprovalRequestSpec spec = request.get().spec();
                List<ApprovalDecision> decisions = new ArrayList<>(spec.decisions());
                decisions.add(decision);
                requests.write(
                    request.get().withSpec(new ApprovalRequestSpec(spec.request(), decisions)));
              }
              return objection;
            });
    if (refused.isPresent()) {
      throw new NotDecidable(refused.get());
    }
  }

  private static Optional<String> objection(
      Entry<ApprovalRequestSpec, ApprovalRequestStatus> request, ApprovalDecision decision) {
    ApprovalPhase phase = request.status() == null ? null : request.status().phase();
    if (phase != null && phase != ApprovalPhase.PENDING && phase != ApprovalPhase.APPROVED) {
      return Optional.of(
          "request "
              + request.name()
              + " is not open any more: "
              + phase.name().toLowerCase(Locale.ROOT));
    }
    List<ApprovalDecision> decisions = request.spec().decisions();
    if (decisions.stream().anyMatch(other -> other.by().equals(decision.by()))) {
      return Optional.of(decision.by() + " has already decided request " + request.name());
    }
    return decisions.size() >= MAX_DECISIONS
        ? Optional.of("request " + request.name() + " has too many decisions")
        : Optional.empty();
  }
}
