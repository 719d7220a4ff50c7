package dev.chaperone.operator.distribution;

import io.fabric8.kubernetes.client.KubernetesClientException;

/** What an API server's refusal means. */
public final class ApiErrors {
  private static final int BAD_REQUEST = 400;
  private static final int NOT_FOUND = 404;
  private static final int CONFLICT = 409;
  private static final int TOO_LARGE = 413;
  private static final int INVALID = 422;

  private ApiErrors() {}

  /** Whether it is not there, or the namespace is not. */
  public static boolean isNotFound(KubernetesClientException e) {
    return e.getCode() == NOT_FOUND;
  }

  /** Whether somebody else was quicker. */
  public static boolean isConflict(KubernetesClientException e) {
    return e.getCode() == CONFLICT;
  }

  /** Whether the same thing will be refused as long as it is said. */
  public static boolean isForGood(KubernetesClientException e) {
    return e.getCode() == BAD_REQUEST || e.getCode() == TOO_LARGE || e.getCode() == INVALID;
  }

  /** For a log: what kind of error, never what was sent. */
  public static String describe(Throwable e) {
    return e instanceof KubernetesClientException refused
        ? "status " + refused.getCode()
        : e.getClass().getSimpleName();
  }
}
