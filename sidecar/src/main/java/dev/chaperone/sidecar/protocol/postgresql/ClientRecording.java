package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.control.translation.ConnectionConfiguration.Recording;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Facts;
import dev.chaperone.recording.Repeated;
import dev.chaperone.recording.Statement;
import dev.chaperone.sidecar.gateway.Recorder;
import dev.chaperone.sidecar.journal.Availability;
import dev.chaperone.sidecar.journal.JournalUnavailableException;
import io.netty.channel.EventLoop;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/**
 * Records what one client asks for, before it is forwarded. An operation whose record has to be
 * waited for stays at the front of the client's stream, as one that waits for people does:
 *
 * <pre>
 *   NONE --admitted, no room--&gt; WAITING --room--&gt; ADMITTED --recorded--&gt; NONE
 *   NONE --admitted, Sync-----&gt; WAITING --on disk--&gt; RECORDED ---------&gt; NONE
 * </pre>
 *
 * <p>Used by the client's event loop.
 */
final class ClientRecording {
  private enum Phase {
    NONE,
    WAITING,
    ADMITTED,
    RECORDED
  }

  /** What becomes of an operation. */
  sealed interface Step {
    /** It is recorded and forwarded. */
    record GoOn(RecordedOperation operation) implements Step {}

    /** It waits; it will be shown again. */
    record Wait() implements Step {}

    /** It cannot be recorded and is refused. */
    record Refuse(ErrorReply reply) implements Step {}
  }

  private static final Step WAIT = new Step.Wait();

  private final Recorder recorder;
  private final EventLoop loop;
  private final Runnable goOn;
  private final long client;

  private Phase phase = Phase.NONE;
  private List<Judgement> front = List.of();
  private String approval = "";

  /** The event that has to reach the disk first; 0 for none. */
  private long number;

  private Recording waitsUnder;
  private Availability failure = Availability.AVAILABLE;

  /**
   * A client that connected.
   *
   * @param goOn shows the front message again
   */
  ClientRecording(Recorder recorder, EventLoop loop, String application, Runnable goOn) {
    this.recorder = recorder;
    this.loop = loop;
    this.goOn = goOn;
    this.client = recorder.nextClient();
    recorder.record(new Event.ClientConnected(client, application));
  }

  Recorder recorder() {
    return recorder;
  }

  /** The client's number in the session. */
  long client() {
    return client;
  }

  /** Whether nothing of the client's is processed now. */
  boolean isWaiting() {
    return phase == Phase.WAITING;
  }

  /** Whether the operation was let pass before and only its record is missing. */
  boolean isAdmitted(List<Judgement> judgements) {
    return phase != Phase.NONE && isSame(judgements);
  }

  @SuppressWarnings("ReferenceEquality") // A judgement made anew may rest on something else.
  private boolean isSame(List<Judgement> judgements) {
    if (front.size() != judgements.size()) {
      return false;
    }
    for (int i = 0; i < front.size(); i++) {
      if (front.get(i) != judgements.get(i)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Records an operation that policy lets pass.
   *
   * @param approvedBy the name of the request it was approved by; empty for none
   * @param event makes the event, given that name
   */
  Step request(
      Recording settings,
      List<Judgement> judgements,
      String approvedBy,
      Function<String, Event.OperationRequested> event) {
    boolean again = isAdmitted(judgements);
    if (!again) {
      forget();
    }
    String request = again ? approval : approvedBy;
    if (again && phase == Phase.RECORDED) {
      return recorded(settings);
    }
    Recorder.Outcome outcome = recorder.request(settings, event.apply(request));
    if (outcome instanceof Recorder.Outcome.Recorded done) {
      forget();
      return new Step.GoOn(
          done.number() == 0
              ? RecordedOperation.NONE
              : new RecordedOperation(recorder, done.number(), settings));
    }
    if (outcome instanceof Recorder.Outcome.Unavailable unavailable) {
      forget();
      return new Step.Refuse(unavailable(unavailable.why()));
    }
    front = judgements;
    approval = request;
    if (outcome instanceof Recorder.Outcome.Later later) {
      await(later.when(), Phase.ADMITTED);
    } else if (outcome instanceof Recorder.Outcome.OnDisk onDisk) {
      number = onDisk.number();
      waitsUnder = settings;
      await(onDisk.when(), Phase.RECORDED);
    }
    return WAIT;
  }

  /** Records what may be run in place of the operation that is recorded next. */
  void alternative(Event.OperationRequested event) {
    recorder.record(event);
  }

  private Step recorded(Recording settings) {
    RecordedOperation operation = new RecordedOperation(recorder, number, settings);
    Availability why = failure;
    number = 0;
    forget();
    if (why != Availability.AVAILABLE && !recorder.goesOnUnrecorded(settings)) {
      ErrorReply reply = unavailable(why);
      operation.failed(reply.sqlState(), reply.message());
      operation.complete(false);
      return new Step.Refuse(reply);
    }
    return new Step.GoOn(operation);
  }

  private void await(CompletionStage<Void> stage, Phase then) {
    phase = Phase.WAITING;
    List<Judgement> awaited = front;
    stage.whenComplete(
        (done, thrown) ->
            loop.execute(
                () -> {
                  if (phase == Phase.WAITING && front == awaited) {
                    phase = then;
                    failure =
                        thrown instanceof JournalUnavailableException unavailable
                            ? unavailable.availability()
                            : thrown == null ? Availability.AVAILABLE : Availability.IO_ERROR;
                    goOn.run();
                  }
                }));
  }

  /** The front message is another one now, or what it was judged under is not in force any more. */
  void forget() {
    if (number != 0) {
      RecordedOperation unsent = new RecordedOperation(recorder, number, waitsUnder);
      unsent.failed(
          SqlState.OBJECT_NOT_IN_PREREQUISITE_STATE,
          "not forwarded: it was decided anew, or nobody waited, before its record was on the disk");
      unsent.complete(false);
      number = 0;
    }
    phase = Phase.NONE;
    front = List.of();
    approval = "";
    failure = Availability.AVAILABLE;
  }

  /** Records an operation that is not forwarded. */
  void refused(ErrorReply reply, Repeated<Facts> facts, Repeated<Statement> statement) {
    forget();
    recorder.refused(
        new Event.OperationRequested(
            client,
            Event.Verdict.DENIED,
            reply.decision(),
            facts,
            statement,
            List.of(),
            0,
            "",
            Optional.of(new Event.Failure(reply.sqlState(), reply.message()))));
  }

  /** The client is gone. */
  void end(String reason) {
    forget();
    recorder.record(new Event.ClientDisconnected(client, reason));
  }

  private static ErrorReply unavailable(Availability why) {
    return ErrorReply.error(
        why == Availability.DISK_FULL ? SqlState.DISK_FULL : SqlState.IO_ERROR,
        "this operation cannot be recorded and was not forwarded: " + why.message(),
        "Try again later, or tell the gateway's operator.");
  }
}
