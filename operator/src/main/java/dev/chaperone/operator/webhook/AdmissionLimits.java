package dev.chaperone.operator.webhook;

import dev.chaperone.operator.admission.AdmissionReview;
import java.time.Duration;

/**
 * What the server takes upon itself. Anybody in the cluster can reach it.
 *
 * @param connections at a time
 * @param requests under way at a time
 * @param bytes of bodies that are held at a time; a tree made of them takes several times as much
 * @param threads that decide
 * @param body how long a body may take to come
 * @param answer how long a request may take, from its first byte; below the {@code timeoutSeconds}
 *     of the webhook configurations, so that a refusal says why
 * @param linger how long a server that is closed goes on answering, until nobody is sent to it any
 *     more
 */
public record AdmissionLimits(
    int connections,
    int requests,
    int bytes,
    int threads,
    Duration body,
    Duration answer,
    Duration linger) {
  /** What the operator uses. */
  public static final AdmissionLimits STANDARD =
      new AdmissionLimits(
          512,
          128,
          24 * 1024 * 1024,
          16,
          Duration.ofSeconds(5),
          Duration.ofSeconds(8),
          Duration.ofSeconds(3));

  public AdmissionLimits {
    if (connections < 1 || requests < 1 || threads < 1 || bytes < AdmissionReview.MAX_BYTES) {
      throw new IllegalArgumentException("one request must have room");
    }
  }
}
