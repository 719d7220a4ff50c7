package dev.chaperone.operator.store;

import java.nio.file.Path;
import java.util.Objects;

/**
 * What the store of a replica is like.
 *
 * @param directory on a volume of this replica alone
 * @param replica names it, as its pod does
 * @param mostBytes how much it holds at most, in bytes
 * @param mostOfPod how much of that one pod may fill, in bytes
 * @param mostUnstored how much of one session may wait for it, in bytes, before nothing more can be
 *     recorded
 */
public record StoreSettings(
    Path directory, String replica, long mostBytes, long mostOfPod, long mostUnstored) {
  public StoreSettings {
    Objects.requireNonNull(directory, "directory");
    Objects.requireNonNull(replica, "replica");
    if (mostBytes < 1 || mostOfPod < 1 || mostUnstored < 1) {
      throw new IllegalArgumentException("a bound of the store is not positive");
    }
  }
}
