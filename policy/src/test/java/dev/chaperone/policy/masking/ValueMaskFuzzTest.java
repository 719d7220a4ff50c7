package dev.chaperone.policy.masking;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Every mask of every type in both formats, over any bytes: redacting and nulling say nothing of
 * the value, hashing shows no part of it, partial masks show four characters or an e-mail's domain,
 * and every mask of one value is one and the same.
 */
class ValueMaskFuzzTest extends FuzzTest {
  private static final int SHOWN_CHARACTERS = 4;
  private static final KeyedHash HASH = MaskKey.random().newHash();

  @Override
  protected List<byte[]> seeds() {
    return texts(
        "\0\0\0ann@example.org",
        "\1\0\0aaaaaaaa\u00e9\u4e2d",
        "\2\4\0 2147483647",
        "\2\5\1\0\0\0\1",
        "\1\11\0 2026-11-22",
        "\1\7\0-12.50",
        "\2\13\0 6b1f8f1c-0000-4000-8000-000000000001",
        "\2\14\0\\x6162",
        "\1\2\1\1{\"a\": 1}");
  }

  @Override
  protected void fuzz(byte[] input) {
    FuzzInput in = new FuzzInput(input);
    Mask mask = in.oneOf(Mask.values());
    ValueType type = in.oneOf(ValueType.values());
    boolean binary = in.octet() % 2 == 1;
    byte[] value = in.rest();
    ValueMask masking = ValueMask.of(mask, type, binary, HASH);
    byte[] masked = written(masking, value);
    assertThat(written(masking, value)).isEqualTo(masked);
    switch (mask) {
      case REDACT, NULL ->
          assertThat(masked).isEqualTo(written(masking, "other".getBytes(StandardCharsets.UTF_8)));
      case PARTIAL -> assertShowsLittle(masked, value);
      case HASH ->
          assertThat(contains(masked, value, type == ValueType.NUMERIC && binary ? 8 : 0))
              .isFalse();
      case FORMAT_PRESERVING -> {
        if (masked != null && type == ValueType.TEXT) {
          assertThat(masked).hasSameSizeAs(value);
        }
      }
    }
  }

  private static byte[] written(ValueMask mask, byte[] value) {
    ByteOutput out = new ByteOutput(64);
    return mask.write(value, 0, value.length, out)
        ? Arrays.copyOf(out.array(), out.length())
        : null;
  }

  private static void assertShowsLittle(byte[] masked, byte[] value) {
    if (masked == null) {
      return;
    }
    String shown = new String(masked, StandardCharsets.UTF_8);
    if (shown.startsWith("****") && !shown.startsWith("****@")) {
      assertThat(shown.codePointCount(0, shown.length())).isLessThanOrEqualTo(value.length);
      assertThat(shown.chars().filter(c -> c != '*').count())
          .isLessThanOrEqualTo(2 * SHOWN_CHARACTERS);
    } else {
      assertThat(shown)
          .satisfiesAnyOf(
              s -> assertThat(s).isEqualTo("[redacted]"), s -> assertThat(s).contains("***@"));
    }
  }

  /**
   * Whether what is masked holds eight bytes of the value in a row.
   *
   * @param from where they begin: a binary number has a head of eight bytes that says how long it
   *     is
   */
  private static boolean contains(byte[] masked, byte[] value, int from) {
    if (masked == null || value.length < from + 8) {
      return false;
    }
    String all = new String(masked, StandardCharsets.ISO_8859_1);
    return all.contains(new String(value, from, 8, StandardCharsets.ISO_8859_1));
  }
}
