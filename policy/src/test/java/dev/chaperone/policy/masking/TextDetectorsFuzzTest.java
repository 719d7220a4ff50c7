package dev.chaperone.policy.masking;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Detectors over any bytes, of every type in both formats; and in a line of COPY or of a message: a
 * card number that stands by itself among whatever bytes never passes.
 */
class TextDetectorsFuzzTest extends FuzzTest {
  private static final String CARD = "4111111111111111";
  private static final TextDetectors CARDS =
      new TextDetectors(
          Map.of(Detector.CREDIT_CARD, Mask.REDACT), ValueType::of, MaskKey.random().newHash());
  private static final TextDetectors ALL =
      new TextDetectors(all(), ValueType::of, MaskKey.random().newHash());

  private static Map<Detector, Mask> all() {
    Map<Detector, Mask> all = new EnumMap<>(Detector.class);
    for (Detector detector : Detector.values()) {
      all.put(detector, Mask.HASH);
    }
    return all;
  }

  @Override
  protected List<byte[]> seeds() {
    return texts(
        "\0\0\4\0see 4111 1111 1111 1111, ann@example.org or +49 30 1234567",
        "\1\0\2\1{\"a\": [\"078-05-1120\", 4111111111111111, \"\\u0034111111111111111\"]}",
        "\16\1\0\7\0\0\0\1\0\0\0\0\0\0\0\31\0\0\0\2\0\0\0\1\0\0\0\1a\377\377\377\377",
        "\17\1\0\3\0\0\0\2\0\0\0\31\0\0\0\1a\0\0\0\27\0\0\0\4\0\0\0\1",
        "\0\0\1\1-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ==\n-----END PRIVATE KEY-----",
        "\0\0\3\1DE89370400440532013000 AKIAIOSFODNN7EXAMPLE eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc");
  }

  @Override
  protected void fuzz(byte[] input) {
    FuzzInput in = new FuzzInput(input);
    ValueType type = in.oneOf(ValueType.values());
    boolean binary = in.octet() % 2 == 1;
    int before = in.below(64);
    byte[] value = in.rest();
    ByteOutput out = new ByteOutput(64);
    TextDetectors.Outcome outcome = ALL.mask(value, 0, value.length, type, binary, out);
    if (outcome == TextDetectors.Outcome.UNCHANGED) {
      assertThat(out.length()).isZero();
    }
    before = Math.min(before, value.length);
    byte[] card = ("\t" + CARD + "\t").getBytes(StandardCharsets.US_ASCII);
    byte[] line = Arrays.copyOf(value, value.length + card.length);
    System.arraycopy(card, 0, line, before, card.length);
    System.arraycopy(value, before, line, before + card.length, value.length - before);
    for (boolean escapes : new boolean[] {false, true}) {
      ByteOutput masked = new ByteOutput(64);
      assertThat(CARDS.maskLine(line, 0, line.length, escapes, masked)).isTrue();
      assertThat(
              new String(
                  Arrays.copyOf(masked.array(), masked.length()), StandardCharsets.ISO_8859_1))
          .doesNotContain("\t" + CARD + "\t");
    }
  }
}
