package dev.chaperone.operator.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.operator.channel.SidecarPod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ObjectNamesTest {
  private static final StoredSession SESSION =
      new StoredSession(new SidecarPod("support", "agent-0", "uid-0", "agent"), "orders-1");

  @Test
  void whatIsNamedIsFoundAgain() {
    String copy = ObjectNames.copy(SESSION, "chaperone-operator-0.0123456789ab");
    assertThat(copy).isEqualTo("support/uid-0/orders-1/chaperone-operator-0.0123456789ab/");
    ObjectNames.Parts parts =
        ObjectNames.parts(copy + ObjectNames.piece("000002.seg", 8_388_608)).orElseThrow();
    assertThat(parts.copy()).isEqualTo(copy);
    assertThat(parts.namespace()).isEqualTo("support");
    assertThat(ObjectNames.piece(parts.file()))
        .contains(new ObjectNames.Piece("000002.seg", 8_388_608));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "manifest.json",
        "support/uid-0/orders-1/manifest.json",
        "support/uid-0/orders-1/w/x/manifest.json",
        "support/../orders-1/w/manifest.json",
        "support/uid-0/../w/manifest.json",
        "support/uid-0/orders-1/../manifest.json",
        "Support/uid-0/orders-1/w/manifest.json",
        "support//orders-1/w/manifest.json"
      })
  void anyOtherObjectIsNoneOfARecording(String name) {
    assertThat(ObjectNames.parts(name)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "000001.seg",
        "000001.seg.0",
        "000001.seg.-00000000001",
        "1.seg.000000000000",
        "key.pub.pem.000000000000",
        "countersigned.heads",
        "000001.seg.0000000000000"
      })
  void anyOtherFileIsNoPiece(String file) {
    assertThat(ObjectNames.piece(file)).isEmpty();
  }

  @Test
  void namesThatWouldBeOfAnotherRecordingAreRefused() {
    for (String name : new String[] {"..", "a/b", "", "A", "a.b"}) {
      assertThatThrownBy(() -> ObjectNames.session(name, "uid-0", "orders-1"))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> ObjectNames.session("support", "../x", "orders-1"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ObjectNames.copy(SESSION, "a/b"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** Pieces that were uploaded again are longer; one that is missing hides what is behind it. */
  @Test
  void piecesGoOnWhereTheOneBeforeEndsAndNowhereElse() {
    ObjectRecording recording = new ObjectRecording(null, "copy/");
    recording.found("000001.seg.000000000000", 100);
    recording.found("000001.seg.000000000060", 40);
    recording.found("000001.seg.000000000100", 50);
    recording.found("000001.seg.000000000200", 50);
    recording.found("000002.seg.000000000010", 50);
    recording.found("countersigned.heads.000000000000", 7);
    recording.found("key.pub.pem", 113);
    recording.found("anything", 9);
    assertThat(recording.bytes("000001.seg")).isEqualTo(150);
    assertThat(recording.bytes("000002.seg")).isZero();
    assertThat(recording.bytes("countersigned.heads")).isEqualTo(7);
    assertThat(recording.bytes("key.pub.pem")).isEqualTo(113);
    assertThat(recording.bytes("anything")).isZero();
  }
}
