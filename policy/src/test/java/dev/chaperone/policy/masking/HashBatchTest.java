package dev.chaperone.policy.masking;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Values hashed together against the same values hashed one by one. */
class HashBatchTest {
  private final Random random = new Random(5);
  private final HashBatch room = new HashBatch();
  private final MaskKey key = MaskKey.random();
  private final KeyedHash together = key.newHash();
  private final KeyedHash alone = key.newHash();

  private byte[] values(int length) {
    byte[] values = new byte[length];
    random.nextBytes(values);
    return values;
  }

  private void check(byte[] values, int[][] places) {
    together.begin(room, values);
    for (int[] place : places) {
      together.prepare(place[0], place[1]);
    }
    together.compute();
    for (int[] place : places) {
      byte[] hash = together.of(values, place[0], place[1]).clone();
      long next = together.next();
      assertThat(hash).as("%s", place).isEqualTo(alone.of(values, place[0], place[1]));
      assertThat(next).isEqualTo(alone.next());
    }
    together.end();
  }

  @Test
  void everyLengthIsHashedAsAlone() {
    byte[] values = values(2 * HashBatch.MAX_VALUE_BYTES);
    for (int length = 0; length <= values.length; length++) {
      check(values, new int[][] {{values.length - length, length}, {0, length}});
    }
  }

  @Test
  void anyMixOfLengthsIsHashedAsAlone() {
    byte[] values = values(20_000);
    for (int round = 0; round < 200; round++) {
      int[][] places = new int[random.nextInt(HashBatch.MAX_VALUES + 100)][];
      for (int i = 0; i < places.length; i++) {
        int length = random.nextInt(random.nextInt(10) == 0 ? 2_000 : 60);
        places[i] = new int[] {random.nextInt(values.length - length + 1), length};
      }
      check(values, places);
    }
  }

  /** RFC 4493 section 4. */
  @Test
  void theStandardsExamplesHold() {
    HexFormat hex = HexFormat.of();
    byte[] message =
        hex.parseHex(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                + "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
    KeyedHash hash = new MaskKey(hex.parseHex("2b7e151628aed2a6abf7158809cf4f3c")).newHash();
    hash.begin(room, message);
    List<Integer> lengths = List.of(64, 0, 40, 16);
    lengths.forEach(length -> hash.prepare(0, length));
    hash.compute();
    assertThat(lengths.stream().map(length -> hex.formatHex(hash.of(message, 0, length))))
        .containsExactly(
            "51f0bebf7e3b9d92fc49741779363cfe",
            "bb1d6929e95937287fa37d129b756746",
            "dfa66747de9ae63030ca32611497c827",
            "070a16b46b4d4144f79bdd9dd04a287c");
  }

  @Test
  void aValueThatWasNotNamedOrComesInAnotherOrderIsHashedAsAlone() {
    byte[] values = values(100);
    byte[] others = values(100);
    together.begin(room, values);
    together.prepare(0, 10);
    together.prepare(10, 10);
    together.compute();
    for (int[] place : new int[][] {{10, 10}, {0, 11}, {1, 10}, {0, 10}, {10, 10}, {10, 10}}) {
      assertThat(together.of(values, place[0], place[1]).clone())
          .isEqualTo(alone.of(values, place[0], place[1]));
      assertThat(together.of(others, place[0], place[1]).clone())
          .isEqualTo(alone.of(others, place[0], place[1]));
    }
    together.end();
  }

  @Test
  void whatWasNamedBeforeCountsForNothingLater() {
    byte[] values = values(32);
    together.begin(room, values);
    together.prepare(0, 16);
    together.compute();
    together.end();
    values[3] ^= 1;
    assertThat(together.of(values, 0, 16).clone()).isEqualTo(alone.of(values, 0, 16));
    check(values, new int[][] {{0, 16}});
  }

  @Test
  void oneRoomServesSeveralSessions() {
    KeyedHash other = MaskKey.random().newHash();
    byte[] values = values(64);
    other.begin(room, values);
    other.prepare(0, 20);
    other.compute();
    byte[] theirs = other.of(values, 0, 20).clone();
    other.end();
    check(values, new int[][] {{0, 20}});
    assertThat(together.of(values, 0, 20)).isNotEqualTo(theirs);
  }

  @ParameterizedTest
  @EnumSource
  void aMaskGivesTheSameForValuesThatWerePrepared(Mask mask) {
    for (ValueType type : EnumSet.allOf(ValueType.class)) {
      for (boolean binary : new boolean[] {false, true}) {
        ValueMask prepared = ValueMask.of(mask, type, binary, together);
        ValueMask plain = ValueMask.of(mask, type, binary, alone);
        byte[] values = values(400);
        together.begin(room, values);
        for (int at = 0; at < 390; at += 10) {
          prepared.prepare(at, at % 11 - 1);
        }
        together.compute();
        for (int at = 0; at < 390; at += 10) {
          ByteOutput one = new ByteOutput(1);
          ByteOutput two = new ByteOutput(1);
          boolean there = prepared.write(values, at, at % 11 - 1, one);
          assertThat(there).isEqualTo(plain.write(values, at, at % 11 - 1, two));
          if (there) {
            assertThat(one.toByteArray()).isEqualTo(two.toByteArray());
          }
        }
        together.end();
      }
    }
  }

  @Test
  void hexadecimalDigitsAreThoseOfTheBytes() {
    byte[] bytes = new byte[256 + 7];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) i;
    }
    for (int length : new int[] {0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 255, 256}) {
      for (int offset = 0; offset < 7; offset++) {
        ByteOutput out = new ByteOutput(1);
        Hex.write(bytes, offset, length, out);
        assertThat(new String(out.toByteArray(), java.nio.charset.StandardCharsets.US_ASCII))
            .isEqualTo(HexFormat.of().formatHex(bytes, offset, offset + length));
      }
    }
  }
}
