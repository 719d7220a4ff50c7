package dev.chaperone.operator.store;

import dev.chaperone.operator.channel.ConnectedSidecar;
import dev.chaperone.recording.Head;

/** Told what becomes of recordings. Must not wait. */
public interface StoreObserver {

  /**
   * More of a recording is on the disk.
   *
   * @param location where
   * @param head how far it goes
   */
  void stored(ConnectedSidecar sidecar, String session, String location, Head head);

  /**
   * What a sidecar has sent is not what it has recorded; none of it was stored.
   *
   * @param why for people
   */
  void rejected(ConnectedSidecar sidecar, String session, String why);
}
