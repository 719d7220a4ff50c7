package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage.Challenge;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.ChannelMessage.Refused;
import dev.chaperone.control.translation.SecretBytes;
import dev.chaperone.operator.channel.HandshakeState.Action;
import dev.chaperone.operator.channel.HandshakeState.Step;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class HandshakeStateTest {
  private static final Bytes NONCE = new Bytes(new byte[32]);
  private static final Refused WHY = new Refused("token-invalid", "no");
  private static final Health HEALTH = new Health(true, "");

  private static final List<HandshakeState> STATES =
      List.of(
          new HandshakeState.Connected(),
          new HandshakeState.Challenged(NONCE),
          new HandshakeState.Checking(1),
          new HandshakeState.Open(1),
          new HandshakeState.Closed());

  private static final Map<String, HandshakeEvent> EVENTS =
      Map.of(
          "secured", new HandshakeEvent.Secured(NONCE),
          "hello", new HandshakeEvent.Received(hello(1, 1)),
          "message", new HandshakeEvent.Received(HEALTH),
          "admitted", new HandshakeEvent.Admitted(),
          "denied", new HandshakeEvent.Denied(WHY),
          "deadline", new HandshakeEvent.DeadlinePassed(),
          "lost", new HandshakeEvent.Lost());

  /** What is not here refuses with a word, closes, and stays closed. */
  private static final Map<String, Step> LEGAL =
      Map.ofEntries(
          Map.entry(
              "Connected secured",
              new Step(
                  new HandshakeState.Challenged(NONCE), new Action.Send(new Challenge(NONCE)))),
          Map.entry(
              "Challenged hello",
              new Step(new HandshakeState.Checking(1), new Action.Check(hello(1, 1), NONCE))),
          Map.entry("Checking admitted", new Step(new HandshakeState.Open(1), new Action.Admit(1))),
          Map.entry(
              "Checking denied", new Step(new HandshakeState.Closed(), new Action.Refuse(WHY))),
          Map.entry(
              "Open message", new Step(new HandshakeState.Open(1), new Action.Deliver(HEALTH))),
          Map.entry("Open deadline", new Step(new HandshakeState.Open(1), new Action.Nothing())));

  @TestFactory
  Stream<DynamicTest> everyEventInEveryState() {
    return STATES.stream()
        .flatMap(
            state ->
                EVENTS.entrySet().stream()
                    .map(
                        event -> {
                          String name = state.getClass().getSimpleName() + " " + event.getKey();
                          return DynamicTest.dynamicTest(
                              name, () -> check(name, state, event.getValue()));
                        }));
  }

  private static void check(String name, HandshakeState state, HandshakeEvent event) {
    Step step = state.on(event);
    if (LEGAL.containsKey(name)) {
      assertThat(step).isEqualTo(LEGAL.get(name));
      return;
    }
    assertThat(step.next()).isEqualTo(new HandshakeState.Closed());
    if (state instanceof HandshakeState.Closed || event instanceof HandshakeEvent.Lost) {
      assertThat(step.action()).isEqualTo(new Action.Nothing());
    } else if (state instanceof HandshakeState.Connected) {
      assertThat(step.action()).isEqualTo(new Action.Close());
    } else {
      assertThat(step.action()).isInstanceOf(Action.Refuse.class);
    }
  }

  @Test
  void everyLegalStepIsOfAStateAndAnEventThatExist() {
    for (String name : LEGAL.keySet()) {
      String[] parts = name.split(" ", 2);
      assertThat(STATES).anyMatch(s -> s.getClass().getSimpleName().equals(parts[0]));
      assertThat(EVENTS).containsKey(parts[1]);
    }
  }

  @Test
  void aSidecarOfAFutureReleaseIsSpokenWithInTheCommonVersion() {
    Step step = new HandshakeState.Challenged(NONCE).on(new HandshakeEvent.Received(hello(1, 9)));
    assertThat(step.next()).isEqualTo(new HandshakeState.Checking(1));
  }

  @Test
  void aSidecarWithNothingInCommonIsToldWhatWouldBe() {
    Step step = new HandshakeState.Challenged(NONCE).on(new HandshakeEvent.Received(hello(8, 9)));
    assertThat(step.next()).isEqualTo(new HandshakeState.Closed());
    assertThat(step.action())
        .isEqualTo(
            new Action.Refuse(
                new Refused("version", "the operator speaks version 1, the sidecar 8 to 9")));
  }

  private static Hello hello(int oldest, int newest) {
    return new Hello(
        oldest,
        newest,
        new SecretBytes(new byte[1]),
        new Bytes(new byte[44]),
        new Bytes(new byte[64]));
  }
}
