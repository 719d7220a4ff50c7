package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage.Challenge;
import dev.chaperone.control.channel.ChannelMessage.FromSidecar;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.ChannelMessage.Refused;
import dev.chaperone.control.channel.ProtocolVersions;
import java.util.OptionalInt;

/**
 * How far a sidecar's connection has come.
 *
 * <pre>
 *   CONNECTED --secured--&gt; CHALLENGED --hello--&gt; CHECKING --admitted--&gt; OPEN
 *       |                      |                     |                    |
 *       +----------------------+--- deadline, denied, anything else ------+--&gt; CLOSED
 * </pre>
 *
 * <p>Whatever is not drawn closes the connection; in CLOSED nothing matters any more.
 */
sealed interface HandshakeState {

  /** What is to be done. */
  sealed interface Action {
    /** Nothing. */
    record Nothing() implements Action {}

    /** This is to be sent. */
    record Send(Challenge challenge) implements Action {}

    /** This is to be checked; the answer is an event. */
    record Check(Hello hello, Bytes nonce) implements Action {}

    /** The sidecar is let in. */
    record Admit(int version) implements Action {}

    /** It is to be told why, and the connection to be closed. */
    record Refuse(Refused why) implements Action {}

    /** The connection is to be closed without a word. */
    record Close() implements Action {}

    /** This is for the one who listens. */
    record Deliver(FromSidecar message) implements Action {}
  }

  /** The next state, and what is to be done on the way. */
  record Step(HandshakeState next, Action action) {}

  /** TCP is up, TLS is not. */
  record Connected() implements HandshakeState {}

  /** The challenge was sent. */
  record Challenged(Bytes nonce) implements HandshakeState {}

  /** The Hello is being checked. */
  record Checking(int version) implements HandshakeState {}

  /** The conversation goes on in this version. */
  record Open(int version) implements HandshakeState {}

  /** It is over. */
  record Closed() implements HandshakeState {}

  /** What an event leads to. */
  default Step on(HandshakeEvent event) {
    if (this instanceof Closed) {
      return new Step(this, new Action.Nothing());
    }
    if (event instanceof HandshakeEvent.Lost) {
      return new Step(new Closed(), new Action.Nothing());
    }
    if (this instanceof Open && event instanceof HandshakeEvent.DeadlinePassed) {
      return new Step(this, new Action.Nothing());
    }
    if (this instanceof Connected) {
      // Nobody to talk to yet: without TLS there is nothing to say, and nothing to hear.
      return event instanceof HandshakeEvent.Secured secured
          ? new Step(
              new Challenged(secured.nonce()), new Action.Send(new Challenge(secured.nonce())))
          : new Step(new Closed(), new Action.Close());
    }
    if (event instanceof HandshakeEvent.DeadlinePassed) {
      return refuse(RefusalReason.DEADLINE, "the handshake took too long");
    }
    if (this instanceof Challenged challenged
        && event instanceof HandshakeEvent.Received received
        && received.message() instanceof Hello hello) {
      return greeted(challenged, hello);
    }
    if (this instanceof Checking checking) {
      if (event instanceof HandshakeEvent.Admitted) {
        return new Step(new Open(checking.version()), new Action.Admit(checking.version()));
      }
      if (event instanceof HandshakeEvent.Denied denied) {
        return new Step(new Closed(), new Action.Refuse(denied.why()));
      }
    }
    if (this instanceof Open
        && event instanceof HandshakeEvent.Received received
        && !(received.message() instanceof Hello)) {
      return new Step(this, new Action.Deliver(received.message()));
    }
    return refuse(RefusalReason.PROTOCOL, "that was not the time to say this");
  }

  private static Step greeted(Challenged challenged, Hello hello) {
    OptionalInt version = ProtocolVersions.SPOKEN.newestCommonWith(hello.versions());
    if (version.isEmpty()) {
      return refuse(
          RefusalReason.VERSION,
          "the operator speaks version "
              + ProtocolVersions.SPOKEN
              + ", the sidecar "
              + hello.versions());
    }
    return new Step(new Checking(version.getAsInt()), new Action.Check(hello, challenged.nonce()));
  }

  private static Step refuse(RefusalReason reason, String message) {
    return new Step(new Closed(), new Action.Refuse(new Refused(reason.label(), message)));
  }
}
