package dev.chaperone.sidecar.protocol.postgresql;

import java.util.concurrent.CompletionException;

/** Finds the {@link LoginFailure} in what an asynchronous step failed with. */
final class LoginFailures {
  private LoginFailures() {}

  static LoginFailure of(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    return cause instanceof LoginFailure known ? known : LoginFailure.unreachable();
  }
}
