package dev.chaperone.sidecar.journal;

/** Whether events can be recorded, and if not, why. */
public enum Availability {
  /** They can. */
  AVAILABLE("", "available"),
  /** There is no room on the disk, or a quota is used up. */
  DISK_FULL("DiskFull", "the disk is full"),
  /** The directory cannot be written to, or the disk reports errors. */
  IO_ERROR("InputOutputError", "the recording cannot be written"),
  /** The disk has not answered for two seconds. */
  TOO_SLOW("TooSlow", "the disk does not answer in time"),
  /** More waits to be stored by the operator than may, or the operator refuses it. */
  NOT_STORED("NotStored", "the operator does not store the recording");

  private final String reason;
  private final String message;

  Availability(String reason, String message) {
    this.reason = reason;
    this.message = message;
  }

  /** A constant for conditions and metrics; empty where events can be recorded. */
  public String reason() {
    return reason;
  }

  /** In words, for the agent and the log. */
  public String message() {
    return message;
  }

  /** What an error of the file system comes down to. */
  static Availability of(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    return message.contains("No space left")
            || message.contains("quota")
            || message.contains("File too large")
        ? DISK_FULL
        : IO_ERROR;
  }
}
