package dev.chaperone.operator.store;

/** A recording says that it is of another pod than the one whose sidecar has sent it. */
public final class ForeignRecordingException extends Exception {
  private static final long serialVersionUID = 1L;

  ForeignRecordingException() {
    super("the recording is of another pod or service account than its sidecar");
  }
}
