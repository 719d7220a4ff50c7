package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.channel.ChannelMessage.ApprovalRequested;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.crds.v1alpha1.Effect;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestAccess;
import dev.chaperone.crds.v1alpha1.RequestApprovers;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.crds.v1alpha1.RequestPolicy;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
import java.util.List;
import org.junit.jupiter.api.Test;

class OwnershipTest {
  private final Ownership ownership = new Ownership(FakeCluster.POD);

  @Test
  void aSidecarSpeaksOfSessionsItHasNamed() {
    assertThat(ownership.objection(started("s", "orders-db"))).isEmpty();
    assertThat(ownership.objection(progress("s"))).isEmpty();
    assertThat(ownership.objection(new SessionEnded("s", false))).isEmpty();
    assertThat(ownership.objection(new Health(true, ""))).isEmpty();
  }

  @Test
  void aSidecarDoesNotSpeakOfOtherSessions() {
    assertThat(ownership.objection(progress("s"))).isPresent();
    assertThat(ownership.objection(new SessionEnded("s", false))).isPresent();
    ownership.objection(started("s", "orders-db"));
    ownership.objection(new SessionEnded("s", false));
    assertThat(ownership.objection(progress("s"))).isPresent();
  }

  @Test
  void aSessionStaysWithItsConnection() {
    assertThat(ownership.objection(started("s", "orders-db"))).isEmpty();
    assertThat(ownership.objection(started("s", "orders-db"))).isEmpty();
    assertThat(ownership.objection(started("s", "other"))).isPresent();
  }

  @Test
  void aSidecarCannotNameSessionsWithoutEnd() {
    for (int i = 0; i < Ownership.MAX_SESSIONS; i++) {
      assertThat(ownership.objection(started("s" + i, "orders-db"))).isEmpty();
    }
    assertThat(ownership.objection(started("one-more", "orders-db"))).isPresent();
    assertThat(ownership.objection(started("s0", "orders-db"))).isEmpty();
  }

  @Test
  void aSidecarAsksInTheNameOfItsOwnPodAndServiceAccountOnly() {
    ownership.objection(started("s", "orders-db"));
    assertThat(ownership.objection(asked("support-agent", "agent-0", "uid-0"))).isEmpty();
    assertThat(ownership.objection(asked("support-agent", "agent-1", "uid-0"))).isPresent();
    assertThat(ownership.objection(asked("support-agent", "agent-0", "uid-1"))).isPresent();
    assertThat(ownership.objection(asked("admin", "agent-0", "uid-0"))).isPresent();
  }

  private static ApprovalRequested asked(String serviceAccount, String pod, String uid) {
    return new ApprovalRequested(
        "orders-db-bcdfgh",
        new Request(
            "s",
            "orders-db",
            new RequestRequester(
                "system:serviceaccount:support:support-agent", null, serviceAccount, pod, uid),
            new RequestOperation(
                Protocol.POSTGRESQL,
                List.of(new RequestAccess(Effect.WRITE, "DELETE", "public.t")),
                "DELETE FROM public.t",
                null,
                "sha256:" + "0".repeat(64)),
            new RequestPolicy("p", "r", "uid-p", 1L),
            new RequestApprovers(List.of("dba"), null, 1, false),
            "2026-11-22T05:15:00Z"),
        "2026-11-22T05:00:00Z");
  }

  private static SessionStarted started(String session, String connection) {
    return new SessionStarted(
        session,
        connection,
        new SessionIdentity("support-agent", null, null),
        "2026-11-22T05:00:00Z");
  }

  private static SessionProgress progress(String session) {
    return new SessionProgress(
        session,
        new OperationCounts(0L, 0L, 0L),
        0,
        0,
        "2026-11-22T05:00:00Z",
        new RecordingState("s", null, 0L));
  }
}
