package dev.chaperone.sidecar.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.control.channel.ChannelMessage.ApprovalRequested;
import dev.chaperone.control.channel.ChannelMessage.Decisions;
import dev.chaperone.control.channel.ChannelMessage.FromSidecar;
import dev.chaperone.control.channel.ChannelMessage.RequestGone;
import dev.chaperone.control.channel.ChannelMessage.RequestReport;
import dev.chaperone.control.channel.ChannelMessage.RequestSettled;
import dev.chaperone.control.channel.ChannelMessage.RequestShown;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.Effect;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestAccess;
import dev.chaperone.crds.v1alpha1.RequestApprovers;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.crds.v1alpha1.RequestPolicy;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import dev.chaperone.sidecar.approval.RequestState;
import dev.chaperone.sidecar.approval.RequestStore;
import dev.chaperone.sidecar.approval.Vote;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ChannelRequestStoreTest {
  private static final Vote VOTE = new Vote("alice", ApprovalVerdict.APPROVE, "", Instant.EPOCH);
  private static final RequestState APPROVED =
      new RequestState.Approved(List.of(VOTE), Instant.EPOCH.plusSeconds(60));
  private static final RequestState USED =
      new RequestState.Used(List.of(VOTE), Instant.EPOCH.plusSeconds(1));

  private final List<String> announced = new ArrayList<>();
  private final List<String> told = new ArrayList<>();
  private final ChannelRequestStore store = new ChannelRequestStore(announced::add);

  /** A conversation that can be ended. */
  private static final class Talk implements OperatorListener.Conversation {
    private final List<FromSidecar> said = new ArrayList<>();
    private boolean over;

    @Override
    public boolean say(FromSidecar message) {
      if (!over) {
        said.add(message);
      }
      return !over;
    }
  }

  @BeforeEach
  void start() {
    store.start(
        new RequestStore.Listener() {
          @Override
          public void decided(String name, List<ApprovalDecision> decisions) {
            told.add("decided " + name + " " + decisions.get(0).by());
          }

          @Override
          public void withdrawn(String name, String reason) {
            told.add("withdrawn " + name + " " + reason);
          }
        });
  }

  @Test
  void aRequestIsSaidAfterItsSession() throws Exception {
    Talk talk = open();
    create("r");
    assertThat(announced).containsExactly("s");
    assertThat(talk.said).containsExactly(requested("r"));
  }

  @Test
  void whileTheOperatorIsAwayNothingIsTaken() throws Exception {
    assertThatThrownBy(() -> create("r"))
        .isInstanceOf(RequestStore.UnreachableException.class)
        .hasMessageContaining("the operator is away");
    Talk talk = open();
    talk.over = true;
    assertThatThrownBy(() -> create("r")).isInstanceOf(RequestStore.UnreachableException.class);
    assertThat(open().said).isEmpty();
  }

  @Test
  void whatTheOperatorMayHaveMissedIsSaidAgain() throws Exception {
    Talk first = open();
    create("kept");
    create("lost");
    store.said(new RequestShown("kept"));
    first.over = true;
    store.report("kept", APPROVED, List.of(new RequestStore.Ignored("bob", "why")));
    Talk second = open();
    assertThat(second.said.get(0)).isEqualTo(requested("lost"));
    assertThat(second.said)
        .extracting(m -> m instanceof RequestReport r ? r.request() + " " + r.phase() : "")
        .containsExactly("", "kept APPROVED", "lost PENDING");
    RequestReport report = (RequestReport) second.said.get(1);
    assertThat(report.until()).contains("1970-01-01T00:01:00Z");
    assertThat(report.decisions().get(0).by()).isEqualTo("alice");
    assertThat(report.ignored().get(0).by()).isEqualTo("bob");
  }

  @Test
  void theEndOfARequestIsSaidUntilItIsSettled() throws Exception {
    Talk first = open();
    create("r");
    first.over = true;
    store.report("r", USED, List.of());
    Talk second = open();
    assertThat(second.said).hasSize(1);
    assertThat(((RequestReport) second.said.get(0)).phase()).isEqualTo(ApprovalPhase.USED);
    store.said(new RequestSettled("r"));
    assertThat(open().said).isEmpty();
  }

  @Test
  void decisionsAndWithdrawalsAreHeard() throws Exception {
    open();
    create("r");
    store.said(
        new Decisions("r", List.of(new ApprovalDecision("alice", ApprovalVerdict.DENY, null))));
    store.said(new RequestGone("r", "deleted"));
    assertThat(told).containsExactly("decided r alice", "withdrawn r deleted");
  }

  @Test
  void onlyFewTextsWaitForTheOperator() throws Exception {
    open();
    for (int i = 0; i < ChannelRequestStore.MAX_UNSHOWN; i++) {
      create("r" + i);
    }
    assertThatThrownBy(() -> create("one-more"))
        .isInstanceOf(RequestStore.UnreachableException.class)
        .hasMessageContaining("too many");
    store.said(new RequestShown("r0"));
    create("one-more");
  }

  @Test
  void endsThatTheOperatorNeverHearsAreForgottenInTheEnd() {
    for (int i = 0; i < ChannelRequestStore.MAX_FINAL + 3; i++) {
      store.report("r" + i, USED, List.of());
    }
    Talk talk = open();
    assertThat(talk.said).hasSize(ChannelRequestStore.MAX_FINAL);
    assertThat(((RequestReport) talk.said.get(0)).request()).isEqualTo("r3");
  }

  private Talk open() {
    Talk talk = new Talk();
    store.opened(talk);
    return talk;
  }

  private void create(String name) throws RequestStore.UnreachableException {
    store.create("support", name, request(), Instant.EPOCH);
  }

  private static ApprovalRequested requested(String name) {
    return new ApprovalRequested(name, request(), "1970-01-01T00:00:00Z");
  }

  private static Request request() {
    return new Request(
        "s",
        "orders-db",
        new RequestRequester("system:serviceaccount:support:a", List.of(), "a", "agent-0", "uid-0"),
        new RequestOperation(
            Protocol.POSTGRESQL,
            List.of(new RequestAccess(Effect.WRITE, "DELETE", "public.t")),
            "DELETE FROM public.t",
            List.of(),
            "sha256:" + "0".repeat(64)),
        new RequestPolicy("p", "r", "uid-p", 1L),
        new RequestApprovers(List.of("dba"), List.of(), 1, false),
        "2026-11-22T05:15:00Z");
  }
}
