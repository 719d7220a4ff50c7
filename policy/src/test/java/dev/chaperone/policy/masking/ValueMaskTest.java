package dev.chaperone.policy.masking;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValueMaskTest {
  private final KeyedHash hash = MaskKey.random().newHash();

  private byte[] mask(Mask mask, ValueType type, boolean binary, byte[] value) {
    ByteOutput out = new ByteOutput(4);
    out.put('#');
    byte[] padded = new byte[(value == null ? 0 : value.length) + 3];
    if (value != null) {
      System.arraycopy(value, 0, padded, 2, value.length);
    }
    boolean there =
        ValueMask.of(mask, type, binary, hash)
            .write(padded, 2, value == null ? ValueMask.NULL_LENGTH : value.length, out);
    assertThat(out.array()[0]).isEqualTo((byte) '#');
    return there ? java.util.Arrays.copyOfRange(out.array(), 1, out.length()) : null;
  }

  private String text(Mask mask, ValueType type, String value) {
    byte[] masked =
        mask(mask, type, false, value == null ? null : value.getBytes(StandardCharsets.UTF_8));
    return masked == null ? null : new String(masked, StandardCharsets.UTF_8);
  }

  private static byte[] int4(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }

  @ParameterizedTest
  @EnumSource
  void nullStaysNullExceptUnderRedact(Mask mask) {
    for (ValueType type : ValueType.values()) {
      byte[] masked = mask(mask, type, false, null);
      if (mask == Mask.REDACT) {
        assertThat(masked).isEqualTo(mask(mask, type, false, new byte[] {'1'}));
      } else {
        assertThat(masked).isNull();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void anyBytesGiveAValueOfTheTypeOrNone(Mask mask) {
    Random random = new Random(3);
    List<ValueType> types = List.copyOf(EnumSet.allOf(ValueType.class));
    for (int i = 0; i < 20_000; i++) {
      byte[] value = new byte[random.nextInt(24)];
      random.nextBytes(value);
      ValueType type = types.get(random.nextInt(types.size()));
      boolean binary = random.nextBoolean();
      byte[] masked = mask(mask, type, binary, value);
      if (masked != null && binary) {
        switch (type) {
          case INT2 -> assertThat(masked).hasSize(2);
          case INT4, OID, DATE -> assertThat(masked).hasSize(4);
          case INT8, TIMESTAMP, TIMESTAMPTZ -> assertThat(masked).hasSize(8);
          case UUID -> assertThat(masked).hasSize(16);
          case JSONB -> assertThat(masked[0]).isEqualTo((byte) 1);
          default -> {}
        }
      }
    }
  }

  @Test
  void redactIsOneTextForAnyText() {
    assertThat(text(Mask.REDACT, ValueType.TEXT, "x")).isEqualTo("[redacted]");
    assertThat(text(Mask.REDACT, ValueType.TEXT, "a longer one")).isEqualTo("[redacted]");
    assertThat(text(Mask.REDACT, ValueType.JSON, "{\"a\":1}")).isEqualTo("\"[redacted]\"");
    assertThat(text(Mask.REDACT, ValueType.BYTEA, "\\x0102")).isEqualTo("\\x5b72656461637465645d");
    assertThat(text(Mask.REDACT, ValueType.INT4, "17")).isNull();
    assertThat(text(Mask.REDACT, ValueType.ARRAY, "{a}")).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "123-45-6789, ****6789",
    "alice@example.com, a***@example.com",
    "al@example.com, ***@example.com",
    "1234567, [redacted]",
    "'', [redacted]",
    "12345678, ****5678",
    "äöüäöüäö, ****öüäö",
    "a b@example.com, ****.com",
    "@example.com, ****.com",
    "a@b@example.com, ****.com",
  })
  void partialShowsTheLastFourOrTheShapeOfAnAddress(String value, String masked) {
    assertThat(text(Mask.PARTIAL, ValueType.TEXT, value)).isEqualTo(masked);
  }

  @Test
  void partialOfWhatIsNoTextIsNull() {
    assertThat(text(Mask.PARTIAL, ValueType.INT8, "1234567890")).isNull();
    assertThat(text(Mask.PARTIAL, ValueType.JSON, "{\"a\":\"bcdefgh\"}")).isNull();
    assertThat(text(Mask.PARTIAL, ValueType.DATE, "1980-01-02")).isNull();
  }

  @Test
  void equalValuesHaveEqualHashesInEitherFormatAndOthersHaveOthers() {
    assertThat(text(Mask.HASH, ValueType.TEXT, "alice"))
        .isEqualTo(text(Mask.HASH, ValueType.TEXT, "alice"))
        .matches("[0-9a-f]{24}")
        .isNotEqualTo(text(Mask.HASH, ValueType.TEXT, "bob"));
    int binary = ByteBuffer.wrap(mask(Mask.HASH, ValueType.INT4, true, int4(-42))).getInt();
    assertThat(text(Mask.HASH, ValueType.INT4, "-42")).isEqualTo(Integer.toString(binary));
    assertThat(text(Mask.HASH, ValueType.NUMERIC, "1.50"))
        .isEqualTo(text(Mask.HASH, ValueType.NUMERIC, "1.5"))
        .matches("\\d+");
    assertThat(text(Mask.HASH, ValueType.UUID, "550e8400-e29b-41d4-a716-446655440000"))
        .matches("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    assertThat(text(Mask.HASH, ValueType.JSONB, "{}")).matches("\"[0-9a-f]{24}\"");
    assertThat(text(Mask.HASH, ValueType.DATE, "1980-01-02")).isNull();
  }

  /** RFC 4493 section 4. */
  @Test
  void theHashIsTheStandardsCmac() {
    HexFormat hex = HexFormat.of();
    byte[] message =
        hex.parseHex(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                + "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
    KeyedHash ours = new MaskKey(hex.parseHex("2b7e151628aed2a6abf7158809cf4f3c")).newHash();
    Map<Integer, String> expected =
        Map.of(
            0, "bb1d6929e95937287fa37d129b756746",
            16, "070a16b46b4d4144f79bdd9dd04a287c",
            40, "dfa66747de9ae63030ca32611497c827",
            64, "51f0bebf7e3b9d92fc49741779363cfe");
    expected.forEach(
        (length, hash) ->
            assertThat(hex.formatHex(ours.of(message, 0, length))).as("" + length).isEqualTo(hash));
  }

  @Test
  void longValuesAreHashedToTheirLastByte() {
    KeyedHash hash = MaskKey.random().newHash();
    byte[] value = new byte[20_000];
    new Random(1).nextBytes(value);
    byte[] before = hash.of(value, 0, value.length).clone();
    for (int changed : new int[] {0, 4_095, 4_096, 8_192, 19_983, 19_999}) {
      value[changed] ^= 1;
      assertThat(hash.of(value, 0, value.length)).as("" + changed).isNotEqualTo(before);
      value[changed] ^= 1;
    }
    assertThat(hash.of(value, 0, value.length)).isEqualTo(before);
    assertThat(hash.of(value, 0, value.length - 1)).isNotEqualTo(before);
  }

  @Test
  void theNextSessionHashesAndFormsOtherwise() {
    KeyedHash next = MaskKey.random().newHash();
    for (Mask mask : new Mask[] {Mask.HASH, Mask.FORMAT_PRESERVING}) {
      ByteOutput out = new ByteOutput(32);
      ValueMask.of(mask, ValueType.TEXT, false, next)
          .write("a longer value".getBytes(StandardCharsets.UTF_8), 0, 14, out);
      assertThat(new String(out.toByteArray(), StandardCharsets.UTF_8))
          .isNotEqualTo(text(mask, ValueType.TEXT, "a longer value"));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
        "Alice Müller-Straße 12b",
        "日本語テキスト",
        "😀 smile 😀",
        "alice@example.com",
        "A1b2",
      })
  void formIsPreserved(String value) {
    String masked = text(Mask.FORMAT_PRESERVING, ValueType.TEXT, value);
    assertThat(masked).isEqualTo(text(Mask.FORMAT_PRESERVING, ValueType.TEXT, value));
    assertThat(masked).isNotEqualTo(value);
    assertThat(masked.getBytes(StandardCharsets.UTF_8))
        .hasSameSizeAs(value.getBytes(StandardCharsets.UTF_8));
    assertThat(masked.codePointCount(0, masked.length()))
        .isEqualTo(value.codePointCount(0, value.length()));
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c < 0x80) {
        char m = masked.charAt(i);
        assertThat(Character.isDigit(m)).isEqualTo(Character.isDigit(c));
        assertThat(Character.isUpperCase(m)).isEqualTo(Character.isUpperCase(c));
        assertThat(Character.isLowerCase(m)).isEqualTo(Character.isLowerCase(c));
        if (!Character.isLetterOrDigit(c)) {
          assertThat(m).isEqualTo(c);
        }
      }
    }
  }

  @Test
  void aCardNumberStaysOne() {
    for (String card :
        new String[] {"4111 1111 1111 1111", "5555555555554444", "378282246310005"}) {
      byte[] masked =
          text(Mask.FORMAT_PRESERVING, ValueType.TEXT, card).getBytes(StandardCharsets.UTF_8);
      assertThat(Luhn.isNumber(masked, 0, masked.length)).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "INT2, 32767",
    "INT2, -5",
    "INT4, 2147483647",
    "INT4, 0",
    "INT4, 100001",
    "INT4, -100001",
    "INT8, 9223372036854775807",
    "INT8, 1000000000000000000",
    "OID, 4294967295",
    "NUMERIC, 12345.670",
    "NUMERIC, -0.05",
    "NUMERIC, 100000000000000000000.5",
    "NUMERIC, 7",
  })
  void numbersKeepTheirSignAndLength(ValueType type, String value) {
    String masked = text(Mask.FORMAT_PRESERVING, type, value);
    assertThat(masked).hasSameSizeAs(value);
    assertThat(masked.startsWith("-")).isEqualTo(value.startsWith("-") && !masked.equals("0"));
    long max =
        switch (type) {
          case INT2 -> Short.MAX_VALUE;
          case INT4 -> Integer.MAX_VALUE;
          case OID -> 0xFFFF_FFFFL;
          default -> Long.MAX_VALUE;
        };
    if (type != ValueType.NUMERIC) {
      assertThat(Math.abs(Long.parseLong(masked))).isLessThanOrEqualTo(max);
    }
  }

  @Test
  void smallNumbersKeepTheirSignUnderAnyKey() {
    for (int i = 0; i < 500; i++) {
      ByteOutput out = new ByteOutput(8);
      ValueMask.of(Mask.FORMAT_PRESERVING, ValueType.INT4, false, MaskKey.random().newHash())
          .write(new byte[] {'-', '5'}, 0, 2, out);
      assertThat(new String(out.toByteArray(), StandardCharsets.US_ASCII)).matches("-[1-9]");
    }
  }

  @Test
  void numericReadsAndWritesWhatTheServerSends() {
    // As numeric_send of PostgreSQL 15 gives them.
    String[][] values = {
      {"0", "0000000000000000"},
      {"0.00", "0000000000000002"},
      {"1", "0001000000000000" + "0001"},
      {"-1.50", "0002000040000002" + "0001" + "1388"},
      {"12345.6789", "0003000100000004" + "0001" + "0929" + "1a85"},
      {"0.0005", "0001ffff00000004" + "0005"},
      {"100000000", "0001000200000000" + "0001"},
    };
    for (String[] value : values) {
      byte[] binary = HexFormat.of().parseHex(value[1]);
      ByteOutput text = new ByteOutput(32);
      assertThat(NumericFormat.read(binary, 0, binary.length, true, text)).isTrue();
      assertThat(new String(text.toByteArray(), StandardCharsets.US_ASCII)).isEqualTo(value[0]);
      ByteOutput back = new ByteOutput(32);
      NumericFormat.write(text.array(), text.length(), true, back);
      assertThat(HexFormat.of().formatHex(back.toByteArray())).isEqualTo(value[1]);
    }
  }

  @Test
  void datesAndTimesBecomeOthersAlikeInEitherFormat() {
    String date = text(Mask.FORMAT_PRESERVING, ValueType.DATE, "1980-01-02");
    assertThat(date).matches("(19[5-9]\\d|20[01]\\d)-\\d\\d-\\d\\d");
    // 1980-01-02 is 7,304 days before 2000-01-01.
    int days =
        ByteBuffer.wrap(mask(Mask.FORMAT_PRESERVING, ValueType.DATE, true, int4(-7304))).getInt();
    assertThat(java.time.LocalDate.of(2000, 1, 1).plusDays(days)).hasToString(date);
    String time = text(Mask.FORMAT_PRESERVING, ValueType.TIMESTAMPTZ, "2000-01-01 02:00:01.5+02");
    assertThat(time).matches("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\+00");
    byte[] micros = ByteBuffer.allocate(8).putLong(1_500_000).array();
    long seconds =
        ByteBuffer.wrap(mask(Mask.FORMAT_PRESERVING, ValueType.TIMESTAMPTZ, true, micros)).getLong()
            / 1_000_000;
    assertThat(
            java.time.LocalDateTime.of(2000, 1, 1, 0, 0)
                .plusSeconds(seconds)
                .format(java.time.format.DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss")))
        .isEqualTo(time.substring(0, 19));
    assertThat(text(Mask.FORMAT_PRESERVING, ValueType.DATE, "infinity")).isNotNull();
  }

  @Test
  void theStricterMaskWins() {
    assertThat(Mask.PARTIAL.and(Mask.REDACT)).isEqualTo(Mask.REDACT);
    assertThat(Mask.REDACT.and(Mask.NULL)).isEqualTo(Mask.REDACT);
    assertThat(Mask.HASH.and(Mask.NULL)).isEqualTo(Mask.NULL);
    assertThat(Mask.FORMAT_PRESERVING.and(Mask.HASH)).isEqualTo(Mask.HASH);
    assertThat(Mask.FORMAT_PRESERVING.and(Mask.PARTIAL)).isEqualTo(Mask.FORMAT_PRESERVING);
  }
}
