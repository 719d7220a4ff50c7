package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.Decision;
import dev.chaperone.policy.Decision.Approval.InTransaction;
import dev.chaperone.policy.VisibleText;
import dev.chaperone.sidecar.approval.ApprovalDesk;
import dev.chaperone.sidecar.approval.HeldOperation;
import dev.chaperone.sidecar.approval.Hold;
import dev.chaperone.sidecar.gateway.Refusal;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The operation at the front of one client's stream, while it waits for approval.
 *
 * <pre>
 *   NONE --&gt; ANSWERS --&gt; ASKED --opened--&gt; HELD --approved--&gt; APPROVED --used--&gt; USING --&gt; RELEASED
 *                          |                 |                    |                |
 *                          +-- refused ------+--------------------+----------------+--&gt; REFUSED
 * </pre>
 *
 * <p>Nothing of the client's is processed in ANSWERS, ASKED, HELD and USING. In every other phase
 * the front message is judged anew, under what is in force then, before anything comes of it; only
 * the operation with the very digest that was approved is let go.
 *
 * <p>Used by the client's event loop.
 */
final class Holding {
  /** How long an operation may wait inside of a transaction, where the rule says Hold. */
  static final int IN_TRANSACTION_SECONDS = 30;

  private enum Phase {
    NONE,
    ANSWERS,
    ASKED,
    HELD,
    APPROVED,
    USING,
    RELEASED,
    REFUSED
  }

  /** What becomes of the front message. */
  sealed interface Outcome {
    /** It is forwarded. */
    record Pass(Hold.Release release) implements Outcome {}

    /** It waits; it will be shown again. */
    record Wait() implements Outcome {}

    /** It is refused. */
    record Refuse(ErrorReply reply) implements Outcome {}
  }

  /** Makes the operation of the front message, as it is judged now. */
  interface Source {
    Optional<HeldOperation> operation();
  }

  private static final Outcome WAIT = new Outcome.Wait();

  private final ClientSession session;
  private final ApprovalDesk desk;
  private final EventLoop loop;

  private Phase phase = Phase.NONE;
  private Front front;

  /** One hold; what comes late for an earlier one is not listened to. */
  private final class Front implements Hold.Listener {
    private final String digest;
    private final InTransaction inTransaction;
    private final TransactionState transaction;
    private Hold hold;
    private Hold.Release release;
    private ErrorReply refusal;
    private ScheduledFuture<?> timer;

    Front(HeldOperation operation, TransactionState transaction) {
      this.digest = operation.operation().digest();
      this.inTransaction = operation.decision().approval().inTransaction();
      this.transaction = transaction;
    }

    @Override
    public void opened(String request, String approvers, Instant expiresAt) {
      if (front != this) {
        return;
      }
      if (transaction == TransactionState.WRITTEN
          && inTransaction == InTransaction.UNLESS_WRITTEN) {
        hold.abandon();
        refuse(
            approval(
                "this operation needs approval, and its transaction has already written",
                "Request " + request + " was opened; it waits for " + approvers + ".",
                "Roll back, and send the operation at the start of a new transaction once the"
                    + " request is approved."));
        return;
      }
      phase = Phase.HELD;
      Instant until = expiresAt;
      if (transaction != TransactionState.NONE && inTransaction == InTransaction.HOLD) {
        Instant inTransactionUntil = Instant.now().plusSeconds(IN_TRANSACTION_SECONDS);
        until = until.isBefore(inTransactionUntil) ? until : inTransactionUntil;
        timer = loop.schedule(() -> tooLate(request), IN_TRANSACTION_SECONDS, TimeUnit.SECONDS);
      }
      session.notice(
          "this operation waits for approval: request " + request,
          "It is decided by "
              + approvers
              + ", until "
              + until.truncatedTo(ChronoUnit.SECONDS)
              + ".",
          "To decide: chaperone approve " + request + " -m WHY, or chaperone deny " + request);
    }

    private void tooLate(String request) {
      if (front == this && phase == Phase.HELD) {
        hold.abandon();
        refuse(
            approval(
                "this operation was not decided within "
                    + IN_TRANSACTION_SECONDS
                    + " seconds, which is how long it may wait inside of a transaction",
                "Request " + request + " stays open.",
                "Roll back, and send the operation again once the request is approved."));
      }
    }

    @Override
    public void approved() {
      if (front == this) {
        goOn(Phase.APPROVED);
      }
    }

    @Override
    public void released(Hold.Release given) {
      if (front == this) {
        release = given;
        goOn(Phase.RELEASED);
      }
    }

    @Override
    public void refused(Hold.Refused why) {
      if (front == this) {
        refuse(reply(why));
      }
    }

    private void refuse(ErrorReply reply) {
      refusal = reply;
      goOn(Phase.REFUSED);
    }

    void end() {
      if (timer != null) {
        timer.cancel(false);
      }
    }
  }

  Holding(ClientSession session, ApprovalDesk desk, EventLoop loop) {
    this.session = session;
    this.desk = desk;
    this.loop = loop;
  }

  /** Whether nothing of the client's is processed now. */
  boolean isWaiting() {
    return switch (phase) {
      case ANSWERS -> !session.isAnswered();
      case ASKED, HELD, USING -> true;
      case NONE, APPROVED, RELEASED, REFUSED -> false;
    };
  }

  /** Whether the client waits for people. */
  boolean isHeld() {
    return phase == Phase.ASKED || phase == Phase.HELD;
  }

  /**
   * What becomes of an operation that needs approval, as it was judged a moment ago.
   *
   * @param judgement its decision is RequireApproval
   */
  Outcome admit(Judgement judgement, Source source) {
    Decision.RequireApproval decision =
        (Decision.RequireApproval) judgement.decision().orElseThrow();
    return switch (phase) {
      case NONE -> {
        Optional<Hold.Release> elevation =
            desk.elevation(
                session.session(),
                judgement.context().ruling().connection().target(),
                decision.rules());
        if (elevation.isPresent()) {
          yield elevated(judgement, elevation.get());
        }
        if (!session.isAnswered()) {
          // What was sent before comes first: its answers, and what it did to the transaction.
          session.askForAnswers();
          phase = Phase.ANSWERS;
          yield WAIT;
        }
        yield ask(judgement, decision, source);
      }
      case ANSWERS -> ask(judgement, decision, source);
      case APPROVED -> {
        if (isSame(source)) {
          phase = Phase.USING;
          front.hold.use();
          yield WAIT;
        }
        yield drifted();
      }
      case RELEASED -> {
        if (isSame(source)) {
          Hold.Release release = front.release;
          forget();
          session.gate().approved();
          yield new Outcome.Pass(release);
        }
        yield drifted();
      }
      case REFUSED -> {
        ErrorReply reply = front.refusal;
        forget();
        yield new Outcome.Refuse(reply);
      }
      case ASKED, HELD, USING -> WAIT;
    };
  }

  private Outcome elevated(Judgement judgement, Hold.Release release) {
    Optional<Refusal> refusal = session.gate().request(judgement.context().ruling());
    if (refusal.isPresent()) {
      return new Outcome.Refuse(Refusals.errorReply(refusal.get()));
    }
    session.gate().approved();
    return new Outcome.Pass(release);
  }

  private Outcome ask(Judgement judgement, Decision.RequireApproval decision, Source source) {
    phase = Phase.NONE;
    Optional<Refusal> refusal = session.gate().request(judgement.context().ruling());
    if (refusal.isPresent()) {
      return new Outcome.Refuse(Refusals.errorReply(refusal.get()));
    }
    TransactionState transaction = session.transactionState();
    if (transaction == TransactionState.FAILED) {
      return new Outcome.Refuse(
          ErrorReply.error(
              SqlState.IN_FAILED_TRANSACTION,
              "current transaction is aborted, an operation that needs approval is not asked for",
              "Send ROLLBACK first."));
    }
    if (transaction != TransactionState.NONE
        && decision.approval().inTransaction() == InTransaction.REFUSE) {
      return new Outcome.Refuse(
          approval(
              "this operation needs approval and may not wait for it inside of a transaction",
              decision.basis().reason(),
              "Send it outside of a transaction block, in a group of its own."));
    }
    Optional<HeldOperation> operation = source.operation();
    if (operation.isEmpty()) {
      return new Outcome.Refuse(
          approval(
              "this operation needs approval and is too large for a person to decide",
              decision.basis().reason()
                  + " Text and parameters may have "
                  + HeldOperations.MAX_BYTES
                  + " bytes.",
              "Split it."));
    }
    front = new Front(operation.get(), transaction);
    phase = Phase.ASKED;
    front.hold = desk.hold(operation.get(), loop, front);
    return WAIT;
  }

  private boolean isSame(Source source) {
    return source
        .operation()
        .map(operation -> operation.operation().digest().equals(front.digest))
        .orElse(false);
  }

  private Outcome drifted() {
    front.hold.abandon();
    forget();
    return new Outcome.Refuse(
        approval(
            "the approval does not hold any more: policy, role, search path or the operation itself"
                + " is not what was approved",
            "Nothing was forwarded.",
            "Send the operation again to ask anew."));
  }

  private ErrorReply approval(String message, String detail, String hint) {
    return Refusals.errorReply(session.gate().approval(message, detail, hint));
  }

  private ErrorReply reply(Hold.Refused why) {
    if (why instanceof Hold.Refused.Denied denied) {
      String comment = VisibleText.of(denied.comment());
      return approval(
          "denied by " + VisibleText.of(denied.by()) + (comment.isEmpty() ? "" : ": " + comment),
          "Request " + denied.request() + ".",
          "Do something else, or ask the approvers.");
    }
    if (why instanceof Hold.Refused.Expired expired) {
      return approval(
          "nobody decided in time",
          "Request " + expired.request() + " has expired.",
          "Send the operation again to ask anew.");
    }
    if (why instanceof Hold.Refused.Cancelled cancelled) {
      return approval(
          "the request was cancelled: " + cancelled.reason(),
          "Request " + cancelled.request() + ".",
          "Send the operation again to ask anew.");
    }
    return Refusals.errorReply(
        session
            .gate()
            .unavailable(
                "this operation needs approval, which cannot be had now: "
                    + ((Hold.Refused.Unavailable) why).reason(),
                "Nothing was forwarded.",
                "Try again later."));
  }

  /** The client does not want it any more: it was cancelled, or what it is decided by changed. */
  void cancel(ErrorReply reply) {
    if (front != null && isWaiting() && phase != Phase.USING) {
      front.hold.abandon();
      front.refuse(reply);
    }
  }

  /** The front message is another one now, or needs no approval any more, or nobody waits. */
  void abandon() {
    if (front != null) {
      front.hold.abandon();
    }
    forget();
  }

  private void forget() {
    if (front != null) {
      front.end();
    }
    front = null;
    phase = Phase.NONE;
  }

  private void goOn(Phase next) {
    phase = next;
    session.judgeAgain();
  }
}
