package dev.chaperone.operator.webhook;

import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.admission.AdmissionReview;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;

/**
 * One request on its way to its answer. All its fields belong to the event loop of its connection;
 * only the decision itself is made elsewhere.
 */
final class AdmissionExchange {
  private static final System.Logger LOGGER = System.getLogger(AdmissionExchange.class.getName());

  private final AdmissionServer server;
  private final HttpServerRequest request;
  private final String path;
  private final AdmissionHandler handler;
  private final Context context;
  private final long began = System.nanoTime();
  private Buffer body = Buffer.buffer();
  private int held;
  private long deadline = -1;
  private AdmissionRequest understood;
  private boolean deciding;
  private boolean over;

  AdmissionExchange(AdmissionServer server, HttpServerRequest request, AdmissionHandler handler) {
    this.server = server;
    this.request = request;
    this.path = request.path();
    this.handler = handler;
    this.context = server.vertx().getOrCreateContext();
  }

  void begin() {
    arm(server.limits().body());
    // Also where the connection is lost.
    request.response().closeHandler(closed -> end());
    request.exceptionHandler(e -> end());
    request.handler(this::part);
    request.endHandler(end -> complete());
  }

  private void arm(Duration most) {
    disarm();
    deadline =
        server
            .vertx()
            .setTimer(Math.max(1, most.toMillis()), fired -> context.runOnContext(v -> late()));
  }

  private void disarm() {
    if (deadline >= 0) {
      server.vertx().cancelTimer(deadline);
      deadline = -1;
    }
  }

  private void part(Buffer part) {
    if (over) {
      return;
    }
    if (held + part.length() > AdmissionReview.MAX_BYTES) {
      turnAway(413);
    } else if (!server.bytes().tryAcquire(part.length())) {
      turnAway(503);
    } else {
      held += part.length();
      body.appendBuffer(part);
    }
  }

  private void complete() {
    if (over) {
      return;
    }
    arm(server.limits().answer().minusNanos(System.nanoTime() - began));
    byte[] bytes = body.getBytes();
    body = null;
    deciding = true;
    try {
      server.decide(() -> decide(bytes));
    } catch (RejectedExecutionException e) {
      deciding = false;
      turnAway(503);
    }
  }

  /** On a thread that may wait. */
  private void decide(byte[] bytes) {
    AdmissionReview.Reading reading = AdmissionReview.read(bytes);
    if (reading instanceof AdmissionReview.Reading.Malformed malformed) {
      context.runOnContext(
          v -> {
            decided();
            write(malformed.uid(), malformed.answer());
          });
      return;
    }
    AdmissionRequest asked = ((AdmissionReview.Reading.Understood) reading).request();
    context.runOnContext(v -> understood = asked);
    AdmissionAnswer answer = answer(asked);
    context.runOnContext(
        v -> {
          decided();
          answer(asked, answer);
        });
  }

  private AdmissionAnswer answer(AdmissionRequest asked) {
    try {
      return handler.answer(asked);
    } catch (IOException e) {
      LOGGER.log(
          System.Logger.Level.WARNING, "cannot decide request={0}: {1}", asked, e.getMessage());
      return unavailable(e.getMessage());
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.ERROR, "cannot decide request=" + asked, e);
      return unavailable("an error of the operator, which is in its log");
    }
  }

  private static AdmissionAnswer unavailable(String why) {
    return new AdmissionAnswer.Refused(
        "ChaperoneUnavailable",
        "Chaperone cannot decide this now, so it is refused: " + why + "; try again",
        List.of());
  }

  private void late() {
    if (understood == null) {
      turnAway(deciding ? 503 : 408);
    } else {
      answer(
          understood,
          unavailable("the API server did not answer the operator's questions in time"));
    }
  }

  private void answer(AdmissionRequest asked, AdmissionAnswer answer) {
    if (over) {
      return;
    }
    server.observer().answered(path, asked, answer, Duration.ofNanos(System.nanoTime() - began));
    write(asked.uid(), answer);
  }

  private void write(String uid, AdmissionAnswer answer) {
    if (over) {
      return;
    }
    if (server.isClosing()) {
      request.response().putHeader("Connection", "close");
    }
    request
        .response()
        .putHeader("Content-Type", "application/json")
        .end(Buffer.buffer(AdmissionReview.write(uid, answer)));
    end();
  }

  private void turnAway(int status) {
    if (over) {
      return;
    }
    server.observer().turnedAway(path, status);
    request.response().setStatusCode(status).putHeader("Connection", "close").end();
    end();
    request.connection().close();
  }

  /** The thread is free. */
  private void decided() {
    deciding = false;
    release();
  }

  private void end() {
    if (!over) {
      over = true;
      disarm();
      release();
    }
  }

  /** Room is free when there is an answer, and nobody works on the request any more. */
  private void release() {
    if (over && !deciding && held >= 0) {
      server.bytes().release(held);
      held = -1;
      server.over();
    }
  }
}
