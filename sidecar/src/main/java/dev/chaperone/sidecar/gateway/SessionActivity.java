package dev.chaperone.sidecar.gateway;

/**
 * How many operations a session had so far.
 *
 * @param allowed by policy
 * @param denied for whatever reason
 * @param approved by people
 */
public record SessionActivity(long allowed, long denied, long approved) {
  /** What came after. */
  SessionActivity since(SessionActivity before) {
    return new SessionActivity(
        allowed - before.allowed, denied - before.denied, approved - before.approved);
  }
}
