package dev.chaperone.operator.store;

import java.time.Duration;

/**
 * When recordings are brought to object storage, and how long the volume has them too.
 *
 * @param interval how long what a session adds may wait; its end, and that of a segment, does not
 * @param keepLocally how long the volume keeps what object storage has, where there is room
 */
public record ObjectSettings(Duration interval, Duration keepLocally) {
  public ObjectSettings {
    if (interval.isNegative() || interval.isZero() || keepLocally.isNegative()) {
      throw new IllegalArgumentException("a time of object storage cannot be");
    }
  }
}
