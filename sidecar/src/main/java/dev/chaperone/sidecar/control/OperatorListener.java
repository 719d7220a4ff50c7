package dev.chaperone.sidecar.control;

import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.FromSidecar;

/** Told what the operator says. Calls come from one thread, one after the other, and may wait. */
public interface OperatorListener {

  /** One connection to the operator, while it lasts. */
  interface Conversation {
    /**
     * Says something.
     *
     * @return false where the conversation is over; it was not said then
     */
    boolean say(FromSidecar message);
  }

  /** A conversation has begun. What the operator has to know of what goes on is said again. */
  void opened(Conversation conversation);

  /** The operator said something. */
  void said(FromOperator message);
}
