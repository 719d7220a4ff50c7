package dev.chaperone.policy.masking;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.policy.masking.TextDetectors.Outcome;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TextDetectorsTest {
  private static final int TEXT = 25;

  private static TextDetectors detectors(Mask mask) {
    return new TextDetectors(
        Map.of(Detector.CREDIT_CARD, mask, Detector.EMAIL, mask),
        ValueType::of,
        MaskKey.random().newHash());
  }

  private static String masked(Mask mask, ValueType type, String value) {
    ByteOutput out = new ByteOutput(8);
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    Outcome outcome = detectors(mask).mask(bytes, 0, bytes.length, type, false, out);
    return switch (outcome) {
      case UNCHANGED -> value;
      case REPLACED -> new String(out.toByteArray(), StandardCharsets.UTF_8);
      case REMOVED -> null;
    };
  }

  @Test
  void onlyTheValueIsReplaced() {
    assertThat(masked(Mask.REDACT, ValueType.TEXT, "pay 4111111111111111 now, a@b.example"))
        .isEqualTo("pay [redacted] now, [redacted]");
    assertThat(masked(Mask.PARTIAL, ValueType.TEXT, "pay 4111111111111111 now"))
        .isEqualTo("pay ****1111 now");
    assertThat(masked(Mask.HASH, ValueType.TEXT, "x alice@example.com y"))
        .matches("x [0-9a-f]{24} y");
    assertThat(masked(Mask.FORMAT_PRESERVING, ValueType.TEXT, "x alice@example.com y"))
        .matches("x [a-z]{5}@[a-z]{7}\\.[a-z]{3} y")
        .doesNotContain("alice");
    assertThat(masked(Mask.NULL, ValueType.TEXT, "pay 4111111111111111 now")).isNull();
    assertThat(masked(Mask.REDACT, ValueType.TEXT, "nothing here")).isEqualTo("nothing here");
    assertThat(masked(Mask.REDACT, ValueType.PLAIN, "4111111111111111"))
        .isEqualTo("4111111111111111");
  }

  @Test
  void jsonStaysJson() throws Exception {
    ObjectMapper json = new ObjectMapper();
    for (Mask mask : new Mask[] {Mask.REDACT, Mask.PARTIAL, Mask.HASH, Mask.FORMAT_PRESERVING}) {
      for (ValueType type : new ValueType[] {ValueType.JSON, ValueType.JSONB}) {
        String masked =
            masked(
                mask,
                type,
                "{\"n\": 4111111111111111, \"l\":[4111111111111111,-1],"
                    + " \"s\": \"a\\nalice@example.com \\\"q\\\" 4111 1111 1111 1111\"}");
        var tree = json.readTree(masked);
        assertThat(tree.get("n").isTextual()).isTrue();
        assertThat(tree.get("l").get(0).isTextual()).isTrue();
        assertThat(tree.get("l").get(1).asInt()).isEqualTo(-1);
        assertThat(tree.get("s").asText()).startsWith("a\n").contains("\"q\"");
        assertThat(masked).doesNotContain("4111111111111111").doesNotContain("alice@");
      }
    }
  }

  @Test
  void arraysAndRowsInTextKeepTheirForm() {
    assertThat(masked(Mask.REDACT, ValueType.ARRAY, "{red,alice@example.com,\"a, b\"}"))
        .isEqualTo("{red,[redacted],\"a, b\"}");
    assertThat(masked(Mask.REDACT, ValueType.ARRAY, "{\"x \\\"alice@example.com\\\"\"}"))
        .isEqualTo("{\"x \\\"[redacted]\\\"\"}");
    assertThat(masked(Mask.REDACT, ValueType.RECORD, "(1,alice@example.com)"))
        .isEqualTo("(1,[redacted])");
  }

  private static byte[] array(String... elements) {
    ByteOutput out = new ByteOutput(32);
    out.putInt(1).putInt(0).putInt(TEXT).putInt(elements.length).putInt(1);
    for (String element : elements) {
      byte[] bytes = element.getBytes(StandardCharsets.UTF_8);
      out.putInt(bytes.length).put(bytes);
    }
    return out.toByteArray();
  }

  @Test
  void arraysAndRowsInBinaryGetTheirLengthsRight() {
    byte[] value = array("red", "alice@example.com", "z");
    ByteOutput out = new ByteOutput(8);
    assertThat(detectors(Mask.REDACT).mask(value, 0, value.length, ValueType.ARRAY, true, out))
        .isEqualTo(Outcome.REPLACED);
    assertThat(out.toByteArray()).isEqualTo(array("red", "[redacted]", "z"));

    ByteOutput row = new ByteOutput(64);
    row.putInt(2).putInt(23).putInt(4).putInt(7).putInt(1009).putInt(value.length).put(value);
    ByteOutput masked = new ByteOutput(8);
    assertThat(
            detectors(Mask.REDACT)
                .mask(row.array(), 0, row.length(), ValueType.RECORD, true, masked))
        .isEqualTo(Outcome.REPLACED);
    byte[] inner = array("red", "[redacted]", "z");
    ByteOutput expected = new ByteOutput(64);
    expected.putInt(2).putInt(23).putInt(4).putInt(7).putInt(1009).putInt(inner.length).put(inner);
    assertThat(masked.toByteArray()).isEqualTo(expected.toByteArray());

    ByteOutput nulls = new ByteOutput(8);
    assertThat(detectors(Mask.NULL).mask(value, 0, value.length, ValueType.ARRAY, true, nulls))
        .isEqualTo(Outcome.REPLACED);
    ByteOutput withNull = new ByteOutput(32);
    withNull.putInt(1).putInt(1).putInt(TEXT).putInt(3).putInt(1);
    withNull.putInt(3).putAscii("red").putInt(-1).putInt(1).putAscii("z");
    assertThat(nulls.toByteArray()).isEqualTo(withNull.toByteArray());
  }

  @Test
  void whatCannotBeTakenApartIsRemovedWhereSomethingIsFound() {
    byte[] broken = array("alice@example.com");
    ByteOutput out = new ByteOutput(8);
    assertThat(
            detectors(Mask.REDACT).mask(broken, 0, broken.length - 1, ValueType.ARRAY, true, out))
        .isEqualTo(Outcome.REMOVED);
    byte[] opaque = "\0\1alice@example.com\0".getBytes(StandardCharsets.UTF_8);
    assertThat(detectors(Mask.REDACT).mask(opaque, 0, opaque.length, ValueType.OTHER, true, out))
        .isEqualTo(Outcome.REMOVED);
    byte[] harmless = {0, 1, 2, 3, 4, 5, 6, 7};
    assertThat(
            detectors(Mask.REDACT).mask(harmless, 0, harmless.length, ValueType.OTHER, true, out))
        .isEqualTo(Outcome.UNCHANGED);
  }

  @Test
  void aLineIsRedactedWhereAValueWouldBeRemoved() {
    ByteOutput out = new ByteOutput(8);
    byte[] line = "1\talice@example.com\tx\n".getBytes(StandardCharsets.UTF_8);
    assertThat(detectors(Mask.NULL).maskLine(line, 0, line.length, true, out)).isTrue();
    assertThat(new String(out.toByteArray(), StandardCharsets.UTF_8))
        .isEqualTo("1\t[redacted]\tx\n");
  }
}
