package dev.chaperone.operator.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.RecordingState;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class RecordingStatusesTest {
  private static final String HEAD = "sha256:" + "0".repeat(64);
  private static final RecordingState SAID = new RecordingState("orders-1", HEAD, 999L);
  private static final RecordingState LESS = new RecordingState("operator-1:uid/s", HEAD, 5L);
  private static final RecordingState MORE = new RecordingState("operator-0:uid/s", HEAD, 10L);

  @Test
  void theReplicaThatHasMostIsNamed() {
    assertThat(RecordingStatuses.further(MORE, LESS)).isEqualTo(MORE);
    assertThat(RecordingStatuses.further(LESS, MORE)).isEqualTo(MORE);
    assertThat(RecordingStatuses.further(MORE, null)).isEqualTo(MORE);
    assertThat(RecordingStatuses.further(null, LESS)).isEqualTo(LESS);
    assertThat(RecordingStatuses.further(null, null)).isNull();
  }

  @Test
  void storingThatWorksAgainIsSaidWithWhatItWasBefore() {
    Condition other = condition("Lost", ConditionStatus.TRUE, "PodGone", "the pod is gone");
    List<Condition> rejected =
        List.of(
            other,
            condition("RecordingStored", ConditionStatus.FALSE, "RecordingRejected", "event 7"));
    Instant now = Instant.parse("2026-02-01T00:00:00Z");
    List<Condition> again = RecordingStatuses.storedAgain(rejected, now);
    assertThat(again).hasSize(2).contains(other);
    Condition stored = Conditions.find(again, "RecordingStored").orElseThrow();
    assertThat(stored.status()).isEqualTo(ConditionStatus.TRUE);
    assertThat(stored.reason()).isEqualTo("StoredAgain");
    assertThat(stored.message())
        .isEqualTo("it is stored; before, since 2026-01-01T00:00:00Z: RecordingRejected: event 7");
    assertThat(stored.lastTransitionTime()).startsWith("2026-02-01T00:00:00");
    assertThat(RecordingStatuses.storedAgain(again, now.plusSeconds(9)))
        .as("said once")
        .isEqualTo(again);
  }

  @Test
  void whereNothingWasWrongNothingIsSaid() {
    assertThat(RecordingStatuses.storedAgain(null, Instant.now())).isNull();
    assertThat(RecordingStatuses.storedAgain(List.of(), Instant.now())).isEmpty();
  }

  private static Condition condition(
      String type, ConditionStatus status, String reason, String message) {
    return new Condition(type, status, reason, message, "2026-01-01T00:00:00Z", null);
  }

  @Test
  void whatASidecarHasSaidOfItsOwnIsNothingBesideWhatIsStored() {
    assertThat(RecordingStatuses.further(SAID, LESS)).isEqualTo(LESS);
    assertThat(RecordingStatuses.further(SAID, null)).isEqualTo(SAID);
  }
}
