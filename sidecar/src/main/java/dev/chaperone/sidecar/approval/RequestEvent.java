package dev.chaperone.sidecar.approval;

import java.time.Instant;

/** What can happen to a request. */
public sealed interface RequestEvent {

  /** Somebody who may decide has decided. */
  record Decided(Vote vote) implements RequestEvent {}

  /** It is that late now. */
  record TimePassed(Instant now) implements RequestEvent {}

  /** The operation is about to be forwarded. */
  record Consumed(Instant at) implements RequestEvent {}

  /** What asked is gone for good, or the request is not what it was. */
  record Withdrawn(String reason) implements RequestEvent {}
}
