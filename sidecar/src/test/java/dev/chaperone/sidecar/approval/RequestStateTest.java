package dev.chaperone.sidecar.approval;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.policy.Decision.Approval.Scope;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Every event in every state. */
class RequestStateTest {
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final Instant EXPIRES = START.plusSeconds(900);
  private static final Instant UNTIL = START.plusSeconds(600);

  private static Vote vote(String by, ApprovalVerdict verdict, Instant at) {
    return new Vote(by, verdict, "", at);
  }

  private static Vote approval(String by) {
    return vote(by, ApprovalVerdict.APPROVE, START);
  }

  private static RequestTerms terms(int count, Scope scope) {
    return new RequestTerms(count, EXPIRES, scope, Duration.ofMinutes(10));
  }

  private static Map<String, RequestState> states() {
    List<Vote> alice = List.of(approval("alice"));
    Map<String, RequestState> states = new LinkedHashMap<>();
    states.put("Pending", RequestState.opened());
    states.put("Pending, alice approved", new RequestState.Pending(alice));
    states.put("Approved", new RequestState.Approved(alice, UNTIL));
    states.put("Denied", new RequestState.Denied(alice));
    states.put("Expired", new RequestState.Expired(alice));
    states.put("Cancelled", new RequestState.Cancelled(alice, "why"));
    states.put("Used", new RequestState.Used(alice, START));
    return states;
  }

  private static Map<String, RequestEvent> events() {
    Map<String, RequestEvent> events = new LinkedHashMap<>();
    events.put("alice approves", new RequestEvent.Decided(approval("alice")));
    events.put("bob approves", new RequestEvent.Decided(approval("bob")));
    events.put(
        "alice denies", new RequestEvent.Decided(vote("alice", ApprovalVerdict.DENY, START)));
    events.put("bob denies", new RequestEvent.Decided(vote("bob", ApprovalVerdict.DENY, START)));
    events.put(
        "bob approves too late",
        new RequestEvent.Decided(vote("bob", ApprovalVerdict.APPROVE, EXPIRES)));
    events.put("a moment passes", new RequestEvent.TimePassed(START.plusSeconds(1)));
    events.put("the grant's time passes", new RequestEvent.TimePassed(UNTIL));
    events.put("the request's time passes", new RequestEvent.TimePassed(EXPIRES));
    events.put("used", new RequestEvent.Consumed(START.plusSeconds(1)));
    events.put("used too late", new RequestEvent.Consumed(UNTIL));
    events.put("withdrawn", new RequestEvent.Withdrawn("gone"));
    return events;
  }

  private static String table(int count, Scope scope) {
    StringBuilder table = new StringBuilder();
    states()
        .forEach(
            (name, state) ->
                events()
                    .forEach(
                        (what, event) -> {
                          RequestState next = state.on(event, terms(count, scope));
                          if (!next.equals(state)) {
                            table
                                .append(name)
                                .append(" + ")
                                .append(what)
                                .append(" -> ")
                                .append(next.phase())
                                .append(' ')
                                .append(next.votes().size())
                                .append('\n');
                          }
                        }));
    return table.toString();
  }

  @Test
  void withOneApproverAndScopeOnceNothingElseChangesAnything() {
    assertThat(table(1, Scope.ONCE))
        .isEqualTo(
            """
            Pending + alice approves -> APPROVED 1
            Pending + bob approves -> APPROVED 1
            Pending + alice denies -> DENIED 1
            Pending + bob denies -> DENIED 1
            Pending + bob approves too late -> EXPIRED 0
            Pending + the request's time passes -> EXPIRED 0
            Pending + withdrawn -> CANCELLED 0
            Pending, alice approved + bob approves -> APPROVED 2
            Pending, alice approved + bob denies -> DENIED 2
            Pending, alice approved + bob approves too late -> EXPIRED 1
            Pending, alice approved + the request's time passes -> EXPIRED 1
            Pending, alice approved + withdrawn -> CANCELLED 1
            Approved + bob denies -> DENIED 2
            Approved + the grant's time passes -> EXPIRED 1
            Approved + the request's time passes -> EXPIRED 1
            Approved + used -> USED 1
            Approved + used too late -> EXPIRED 1
            Approved + withdrawn -> CANCELLED 1
            """);
  }

  @Test
  void withThreeApproversTwoAreNotEnough() {
    assertThat(table(3, Scope.ONCE))
        .startsWith(
            """
            Pending + alice approves -> PENDING 1
            Pending + bob approves -> PENDING 1
            Pending + alice denies -> DENIED 1
            """)
        .contains("Pending, alice approved + bob approves -> PENDING 2\n");
    RequestState state = RequestState.opened();
    for (String user : List.of("alice", "alice", "bob", "bob")) {
      state = state.on(new RequestEvent.Decided(approval(user)), terms(3, Scope.ONCE));
    }
    assertThat(state.phase()).isEqualTo(ApprovalPhase.PENDING);
    state = state.on(new RequestEvent.Decided(approval("carol")), terms(3, Scope.ONCE));
    assertThat(state).isInstanceOf(RequestState.Approved.class);
  }

  @Test
  void withScopeSessionItIsUsedAsOftenAsWantedUntilItsTimeIsOver() {
    RequestState approved = new RequestState.Approved(List.of(approval("alice")), UNTIL);
    RequestTerms terms = terms(1, Scope.SESSION);
    assertThat(approved.on(new RequestEvent.Consumed(START), terms)).isEqualTo(approved);
    assertThat(approved.on(new RequestEvent.Consumed(UNTIL), terms))
        .isInstanceOf(RequestState.Expired.class);
  }

  @Test
  void theGrantBeginsWhenTheLastApproverIsSeen() {
    Instant later = START.plusSeconds(60);
    RequestState state =
        RequestState.opened()
            .on(new RequestEvent.Decided(approval("alice")), terms(2, Scope.ONCE))
            .on(
                new RequestEvent.Decided(vote("bob", ApprovalVerdict.APPROVE, later)),
                terms(2, Scope.ONCE));
    assertThat(((RequestState.Approved) state).until()).isEqualTo(later.plusSeconds(600));
  }

  @Test
  void finalStatesAreFinal() {
    states()
        .values()
        .forEach(
            state -> {
              if (state.isFinal()) {
                events()
                    .values()
                    .forEach(
                        event -> assertThat(state.on(event, terms(1, Scope.ONCE))).isSameAs(state));
              }
            });
  }
}
