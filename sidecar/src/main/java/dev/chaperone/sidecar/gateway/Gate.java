package dev.chaperone.sidecar.gateway;

import dev.chaperone.policy.Decision;
import java.security.SecureRandom;
import java.util.Optional;

/**
 * The path of an operation, the same for every protocol: decide, hold, record, forward. A protocol
 * brings the decision of the policy set; the gate says whether the operation goes on.
 *
 * <p>Nothing is forwarded but through {@link #admit}.
 */
public final class Gate {
  private static final char[] ID_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789".toCharArray();
  private static final int ID_LENGTH = 10;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final OperationRate rate = new OperationRate();
  private final ConnectionMetrics metrics;
  private final Lease lease;

  Gate(ConnectionMetrics metrics, Lease lease) {
    this.metrics = metrics;
    this.lease = lease;
  }

  /**
   * Lets an operation pass or says why not. Counts it.
   *
   * @param ruling what is in force
   * @param decision what policy said of it under that ruling
   * @return empty where it may be forwarded
   */
  public Optional<Refusal> admit(Ruling ruling, Decision decision) {
    if (decision instanceof Decision.Allow) {
      Optional<Refusal> tooMany = acquire(ruling);
      if (tooMany.isEmpty()) {
        metrics.allowed();
      }
      return tooMany;
    }
    return Optional.of(refuse(decision));
  }

  /**
   * Lets an operation ask for approval or says why not: what asks counts against the rate too.
   *
   * @param ruling what is in force
   * @return empty where it may ask
   */
  public Optional<Refusal> request(Ruling ruling) {
    return acquire(ruling);
  }

  /** An operation that was approved goes on. */
  public void approved() {
    metrics.approved();
  }

  /** Refuses what needs approval and does not get it. */
  public Refusal approval(String message, String detail, String hint) {
    metrics.refused(Refusal.Kind.APPROVAL);
    return refusal(Refusal.Kind.APPROVAL, message, detail, hint);
  }

  /** Refuses what needs approval where that cannot be asked for, or its use not be recorded. */
  public Refusal unavailable(String message, String detail, String hint) {
    metrics.refused(Refusal.Kind.UNAVAILABLE);
    return refusal(Refusal.Kind.UNAVAILABLE, message, detail, hint);
  }

  private Optional<Refusal> acquire(Ruling ruling) {
    if (!lease.holds(ruling.connection())) {
      return Optional.of(
          unavailable(
              "the operator is away, and the time for which its last word holds is over",
              "",
              "Try again when it is back (spec.leaseSeconds); the connection can stay open."));
    }
    return ruling.limits().operationsPerMinute().isPresent()
            && !rate.tryAcquire(ruling.limits().operationsPerMinute().getAsLong())
        ? Optional.of(refuseRate(ruling))
        : Optional.empty();
  }

  /**
   * Says whether an operation that is only announced can already be refused: a statement that is
   * prepared and not yet run. Counts refusals alone.
   */
  public Optional<Refusal> preview(Decision decision) {
    return decision instanceof Decision.Deny ? Optional.of(refuse(decision)) : Optional.empty();
  }

  /** Refuses what no policy can allow. */
  public Refusal guard(String message, String hint) {
    metrics.refused(Refusal.Kind.GUARD);
    return refusal(Refusal.Kind.GUARD, message, "", hint);
  }

  /** Refuses what would show or use masked values. */
  public Refusal mask(String message, String hint) {
    metrics.refused(Refusal.Kind.MASK);
    return refusal(Refusal.Kind.MASK, message, "", hint);
  }

  private Refusal refuse(Decision decision) {
    metrics.refused(Refusal.Kind.POLICY);
    String reason = decision.basis().reason();
    if (decision instanceof Decision.Deny deny) {
      String detail = reason.equals(deny.message()) ? "" : reason;
      return refusal(Refusal.Kind.POLICY, deny.message(), detail, deny.hint());
    }
    // What needs approval is brought to the approval desk and does not come here.
    return refusal(Refusal.Kind.POLICY, "this operation needs approval", reason, "");
  }

  private Refusal refuseRate(Ruling ruling) {
    metrics.refused(Refusal.Kind.RATE);
    return refusal(
        Refusal.Kind.RATE,
        "too many operations: policy allows "
            + ruling.limits().operationsPerMinute().getAsLong()
            + " a minute",
        "",
        "Try again in a few seconds.");
  }

  private static Refusal refusal(Refusal.Kind kind, String message, String reason, String hint) {
    String id = newDecisionId();
    String named = "Decision " + id + ".";
    return new Refusal(kind, message, reason.isEmpty() ? named : reason + " " + named, id, hint);
  }

  /** Names one decision in what the agent is told and in the log. */
  private static String newDecisionId() {
    StringBuilder id = new StringBuilder(ID_LENGTH);
    for (int i = 0; i < ID_LENGTH; i++) {
      id.append(ID_ALPHABET[RANDOM.nextInt(ID_ALPHABET.length)]);
    }
    return id.toString();
  }
}
