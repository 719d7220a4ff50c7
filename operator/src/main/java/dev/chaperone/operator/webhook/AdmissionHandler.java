package dev.chaperone.operator.webhook;

import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import java.io.IOException;

/** Answers the requests of one path, on threads that may wait. */
@FunctionalInterface
public interface AdmissionHandler {

  /**
   * Answers one request.
   *
   * @throws IOException where it cannot be decided now, with what is missing; the request is then
   *     refused
   */
  AdmissionAnswer answer(AdmissionRequest request) throws IOException;
}
