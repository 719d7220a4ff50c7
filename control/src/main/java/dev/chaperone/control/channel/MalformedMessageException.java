package dev.chaperone.control.channel;

/**
 * What came in is no message. Its text says why in words of ours and repeats nothing of what came
 * in, so that it can be logged and answered with.
 */
public final class MalformedMessageException extends Exception {
  private static final long serialVersionUID = 1L;

  public MalformedMessageException(String message) {
    super(message);
  }
}
