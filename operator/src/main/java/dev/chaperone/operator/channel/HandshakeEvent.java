package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage.FromSidecar;
import dev.chaperone.control.channel.ChannelMessage.Refused;

/** What can happen to a connection before and after it is let in. */
sealed interface HandshakeEvent {

  /** TLS is up; the nonce is for this connection alone. */
  record Secured(Bytes nonce) implements HandshakeEvent {}

  /** A message came. */
  record Received(FromSidecar message) implements HandshakeEvent {}

  /** The check found that it is the sidecar of a pod. */
  record Admitted() implements HandshakeEvent {}

  /** The check found a reason against it. */
  record Denied(Refused why) implements HandshakeEvent {}

  /** The time for the handshake is over. */
  record DeadlinePassed() implements HandshakeEvent {}

  /** The connection is gone. */
  record Lost() implements HandshakeEvent {}
}
