package dev.chaperone.sidecar.gateway;

import java.util.Objects;

/**
 * Whether a target could be reached and logged in to.
 *
 * @param known whether it was tried at all
 * @param reachable whether that worked
 * @param reason a constant such as {@code credentials}; empty where it worked
 */
public record TargetState(boolean known, boolean reachable, String reason) {
  /** Not tried yet. */
  public static final TargetState UNKNOWN = new TargetState(false, false, "");

  /** Reached. */
  public static final TargetState REACHABLE = new TargetState(true, true, "");

  public TargetState {
    Objects.requireNonNull(reason, "reason");
  }

  /** It could not be reached. */
  public static TargetState unreachable(String reason) {
    return new TargetState(true, false, reason);
  }
}
