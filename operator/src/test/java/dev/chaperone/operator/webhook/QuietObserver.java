package dev.chaperone.operator.webhook;

import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import java.time.Duration;

/** For tests that look at something else. */
public final class QuietObserver implements AdmissionObserver {
  @Override
  public void answered(
      String path, AdmissionRequest request, AdmissionAnswer answer, Duration took) {}

  @Override
  public void turnedAway(String path, int status) {}
}
