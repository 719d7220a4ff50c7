package dev.chaperone.recording;

/** Bytes that are not what docs/recording-format.md says. The message holds nothing of them. */
public final class MalformedRecordingException extends Exception {
  private static final long serialVersionUID = 1L;

  MalformedRecordingException(String message) {
    super(message);
  }
}
