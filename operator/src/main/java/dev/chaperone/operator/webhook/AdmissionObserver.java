package dev.chaperone.operator.webhook;

import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import java.time.Duration;

/** Told how requests went. Must not wait. */
public interface AdmissionObserver {

  /**
   * A request was answered.
   *
   * @param path where it came
   */
  void answered(String path, AdmissionRequest request, AdmissionAnswer answer, Duration took);

  /**
   * Something was not even read.
   *
   * @param path where it came; empty for one that there is not
   * @param status the HTTP status it was sent away with
   */
  void turnedAway(String path, int status);
}
