package dev.chaperone.operator.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * Names that object storage lists, whoever put the objects there: one that is taken for an object
 * of a recording is named as the gateway's own would be.
 */
class ObjectNamesFuzzTest extends FuzzTest {

  @Override
  protected List<byte[]> seeds() {
    return texts(
        "support/uid-0/orders-1/chaperone-operator-0.0123456789ab/000002.seg.000008388608",
        "support/uid-0/orders-1/w/countersigned.heads.000000000000",
        "support/uid-0/orders-1/w/manifest.json",
        "support/uid-0/orders-1/w/key.pub.pem");
  }

  @Override
  protected List<String> words() {
    return List.of("/", "..", ".seg", ".heads", ".", "000001", "999999", "manifest.json", "-");
  }

  @Override
  protected void fuzz(byte[] input) {
    String name = new String(input, StandardCharsets.UTF_8);
    Optional<ObjectNames.Parts> parts = ObjectNames.parts(name);
    if (parts.isEmpty()) {
      return;
    }
    assertThat(parts.get().copy() + parts.get().file()).isEqualTo(name);
    assertThat(parts.get().copy().split("/", -1))
        .hasSize(5)
        .noneMatch(".."::equals)
        .noneMatch("."::equals);
    ObjectNames.piece(parts.get().file())
        .ifPresent(
            piece ->
                assertThat(ObjectNames.piece(piece.file(), piece.offset()))
                    .isEqualTo(parts.get().file()));
  }
}
