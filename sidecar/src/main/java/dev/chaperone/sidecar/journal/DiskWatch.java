package dev.chaperone.sidecar.journal;

import java.util.concurrent.TimeUnit;

/**
 * What is known of the disk under one session, and what follows from it. Guarded by the session's
 * lock; never touches the disk.
 */
final class DiskWatch {
  /** How long the disk may take before nothing more is recorded. */
  private static final long DEADLINE_NANOS = TimeUnit.SECONDS.toNanos(2);

  private boolean opened;
  private boolean broken;
  private Availability prepareFailure = Availability.AVAILABLE;
  private Availability forceFailure = Availability.AVAILABLE;
  private boolean unforced;
  private long unforcedSince;
  private boolean starved;
  private long starvedSince;

  /** There is a segment to write to. */
  void opened() {
    opened = true;
  }

  boolean isOpened() {
    return opened;
  }

  /** The memory that is written to is not there any more: somebody cut its file off. */
  void broken() {
    broken = true;
  }

  boolean isBroken() {
    return broken;
  }

  /** Room was made ahead. */
  void prepared() {
    prepareFailure = Availability.AVAILABLE;
  }

  void prepareFailed(Throwable failure) {
    prepareFailure = Availability.of(failure);
  }

  /** There was no room for an event. */
  void starve() {
    if (!starved) {
      starved = true;
      starvedSince = System.nanoTime();
    }
  }

  boolean isStarved() {
    return starved;
  }

  /** There is room again. */
  void fed() {
    starved = false;
  }

  /** Something was written that is not on the disk. */
  void wrote() {
    if (!unforced) {
      unforced = true;
      unforcedSince = System.nanoTime();
    }
  }

  boolean isUnforced() {
    return unforced;
  }

  /**
   * What was written is on the disk.
   *
   * @param more whether more was written meanwhile
   * @param begun when that began, by {@link System#nanoTime}
   */
  void forced(boolean more, long begun) {
    forceFailure = Availability.AVAILABLE;
    unforced = more;
    unforcedSince = begun;
  }

  void forceFailed(Throwable failure) {
    forceFailure = Availability.of(failure);
  }

  /**
   * Whether events can be recorded.
   *
   * @param room whether there is room for one
   */
  Availability evaluate(boolean room) {
    long now = System.nanoTime();
    if (broken) {
      return Availability.IO_ERROR;
    }
    if (!opened) {
      return prepareFailure == Availability.AVAILABLE ? Availability.IO_ERROR : prepareFailure;
    }
    if (forceFailure != Availability.AVAILABLE) {
      return forceFailure;
    }
    if (unforced && now - unforcedSince > DEADLINE_NANOS) {
      return Availability.TOO_SLOW;
    }
    if (!starved && room) {
      return Availability.AVAILABLE;
    }
    if (prepareFailure != Availability.AVAILABLE) {
      return prepareFailure;
    }
    return starved && now - starvedSince > DEADLINE_NANOS
        ? Availability.TOO_SLOW
        : Availability.AVAILABLE;
  }
}
