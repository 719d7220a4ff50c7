package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
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
