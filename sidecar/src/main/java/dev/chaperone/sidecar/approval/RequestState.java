package dev.chaperone.sidecar.approval;

import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.policy.Decision.Approval;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a request stands.
 *
 * <pre>
 *              count approvals              consumed, scope Once
 *   PENDING ---------------------&gt; APPROVED ---------------------&gt; USED
 *     |  \                         /   |
 *     |   \--- one denial --------/    |
 *     |            |                   |
 *     |            v                   |
 *     |         DENIED                 |
 *     +--- time passed: EXPIRED -------+
 *     +--- withdrawn: CANCELLED -------+
 * </pre>
 *
 * <p>Denied, Expired, Cancelled and Used are final: nothing that happens afterwards matters.
 */
public sealed interface RequestState {

  /** The decisions that counted, in the order they were seen. */
  List<Vote> votes();

  /** It waits for decisions. */
  record Pending(List<Vote> votes) implements RequestState {
    public Pending {
      votes = List.copyOf(votes);
    }
  }

  /**
   * It may be used.
   *
   * @param until no longer than this
   */
  record Approved(List<Vote> votes, Instant until) implements RequestState {
    public Approved {
      votes = List.copyOf(votes);
    }
  }

  /** An approver said no; the last of the votes. */
  record Denied(List<Vote> votes) implements RequestState {
    public Denied {
      votes = List.copyOf(votes);
    }

    /** The vote that ended it. */
    public Vote denial() {
      return votes.get(votes.size() - 1);
    }
  }

  /** Nobody decided, or nobody used it, in time. */
  record Expired(List<Vote> votes) implements RequestState {
    public Expired {
      votes = List.copyOf(votes);
    }
  }

  /** What asked is gone for good, or the request is not what it was. */
  record Cancelled(List<Vote> votes, String reason) implements RequestState {
    public Cancelled {
      votes = List.copyOf(votes);
    }
  }

  /** It was used and cannot be used again. */
  record Used(List<Vote> votes, Instant at) implements RequestState {
    public Used {
      votes = List.copyOf(votes);
    }
  }

  /** Whether nothing can happen to it any more. */
  default boolean isFinal() {
    return !(this instanceof Pending) && !(this instanceof Approved);
  }

  /** The phase that the resource shows. */
  default ApprovalPhase phase() {
    if (this instanceof Pending) {
      return ApprovalPhase.PENDING;
    }
    if (this instanceof Approved) {
      return ApprovalPhase.APPROVED;
    }
    if (this instanceof Denied) {
      return ApprovalPhase.DENIED;
    }
    if (this instanceof Expired) {
      return ApprovalPhase.EXPIRED;
    }
    return this instanceof Used ? ApprovalPhase.USED : ApprovalPhase.CANCELLED;
  }

  /** A request that was just opened. */
  static RequestState opened() {
    return new Pending(List.of());
  }

  /** Where it stands after an event; itself where the event does not matter. */
  default RequestState on(RequestEvent event, RequestTerms terms) {
    if (this instanceof Pending pending) {
      return onPending(pending, event, terms);
    }
    return this instanceof Approved approved ? onApproved(approved, event, terms) : this;
  }

  private static RequestState onPending(Pending pending, RequestEvent event, RequestTerms terms) {
    if (event instanceof RequestEvent.Decided decided) {
      Vote vote = decided.vote();
      if (!vote.observedAt().isBefore(terms.expiresAt())) {
        return new Expired(pending.votes());
      }
      if (hasVoteOf(pending.votes(), vote.by())) {
        return pending;
      }
      List<Vote> votes = with(pending.votes(), vote);
      if (vote.verdict() == ApprovalVerdict.DENY) {
        return new Denied(votes);
      }
      return votes.size() < terms.count()
          ? new Pending(votes)
          : new Approved(votes, vote.observedAt().plus(terms.grantDuration()));
    }
    if (event instanceof RequestEvent.TimePassed passed) {
      return passed.now().isBefore(terms.expiresAt()) ? pending : new Expired(pending.votes());
    }
    return event instanceof RequestEvent.Withdrawn withdrawn
        ? new Cancelled(pending.votes(), withdrawn.reason())
        : pending;
  }

  private static RequestState onApproved(
      Approved approved, RequestEvent event, RequestTerms terms) {
    if (event instanceof RequestEvent.Decided decided) {
      // Who has approved cannot take it back; anybody else can still end it.
      Vote vote = decided.vote();
      return vote.verdict() == ApprovalVerdict.DENY && !hasVoteOf(approved.votes(), vote.by())
          ? new Denied(with(approved.votes(), vote))
          : approved;
    }
    if (event instanceof RequestEvent.TimePassed passed) {
      return passed.now().isBefore(approved.until()) ? approved : new Expired(approved.votes());
    }
    if (event instanceof RequestEvent.Consumed consumed) {
      if (!consumed.at().isBefore(approved.until())) {
        return new Expired(approved.votes());
      }
      return terms.scope() == Approval.Scope.ONCE
          ? new Used(approved.votes(), consumed.at())
          : approved;
    }
    return new Cancelled(approved.votes(), ((RequestEvent.Withdrawn) event).reason());
  }

  private static boolean hasVoteOf(List<Vote> votes, String user) {
    return votes.stream().anyMatch(vote -> vote.by().equals(user));
  }

  private static List<Vote> with(List<Vote> votes, Vote vote) {
    List<Vote> more = new ArrayList<>(votes);
    more.add(vote);
    return more;
  }
}
