package dev.chaperone.operator.distribution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.crds.v1alpha1.RecordingState;
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
  void whatASidecarHasSaidOfItsOwnIsNothingBesideWhatIsStored() {
    assertThat(RecordingStatuses.further(SAID, LESS)).isEqualTo(LESS);
    assertThat(RecordingStatuses.further(SAID, null)).isEqualTo(SAID);
  }
}
