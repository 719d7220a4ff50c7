package dev.chaperone.cli;

/** What the command's exit codes mean; scripts rely on them. */
public final class ExitCode {
  /** Done; for a decision: allowed. */
  public static final int OK = 0;

  /** Something failed; for a check: problems were found. */
  public static final int FAILED = 1;

  /** The command line or the configuration cannot be used. */
  public static final int USAGE = 2;

  /** The operation would be denied. */
  public static final int DENIED = 3;

  /** The operation would wait for an approval. */
  public static final int NEEDS_APPROVAL = 4;

  /** A recording is valid and has an end that is not sealed. */
  public static final int UNSEALED = 4;

  /** A recording is valid and does not say of all that it holds what it was masked by. */
  public static final int UNPROVEN = 5;

  private ExitCode() {}
}
