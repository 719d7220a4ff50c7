package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.int16;
import static dev.chaperone.sidecar.testing.WireClient.int32;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.message;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.policy.masking.Detector;
import dev.chaperone.policy.masking.KeyedHash;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskKey;
import dev.chaperone.policy.masking.TextDetectors;
import dev.chaperone.policy.masking.ValueMask;
import dev.chaperone.policy.masking.ValueType;
import dev.chaperone.sidecar.protocol.postgresql.RowMask.Column;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many rows at a time against the same rows one by one, and rows that are none. */
class RowMaskTest {
  private static final String CARD = "4111 1111 1111 1111";
  private static final int MAX_KEPT_BYTES = 1 << 20;
  private static final List<Mask> MASKS = List.of(Mask.values());

  private final Random random = new Random(11);
  private final KeyedHash hash = MaskKey.random().newHash();
  private final ResultMasks masks = new ResultMasks(MaskKey.random());
  private final TextDetectors detectors =
      new TextDetectors(Map.of(Detector.CREDIT_CARD, Mask.REDACT), ValueType::of, hash);

  private Column masked(Mask mask) {
    return new Column(
        ValueMask.of(mask, ValueType.TEXT, false, hash), ValueType.TEXT, false, false);
  }

  private static Column scanned() {
    return new Column(null, ValueType.TEXT, false, true);
  }

  private RowMask mask(Column... columns) {
    return new RowMask(columns, detectors, hash);
  }

  private static byte[] row(String... values) {
    byte[] body = int16(values.length);
    for (String value : values) {
      byte[] bytes = value == null ? new byte[0] : value.getBytes(StandardCharsets.UTF_8);
      body = join(body, int32(value == null ? -1 : bytes.length), bytes);
    }
    return message('D', body);
  }

  private byte[] mask(RowMask mask, byte[] rows) {
    ByteBuf in = Unpooled.directBuffer().writeBytes(new byte[3]).writeBytes(rows);
    ByteBuf out = Unpooled.buffer().writeByte('#');
    try {
      masks.rows(mask, in, 3, rows.length, out);
      assertThat(out.readByte()).isEqualTo((byte) '#');
      return ByteBufUtil.getBytes(out);
    } finally {
      in.release();
      out.release();
      assertThat(isRoomEmpty()).isTrue();
    }
  }

  private static boolean isRoomEmpty() {
    MaskRoom room = MaskRoom.current();
    boolean empty = room.length() == 0 && room.out().length() == 0;
    for (byte[] bytes : List.of(room.in(), room.out().array())) {
      for (byte b : bytes) {
        empty &= b == 0;
      }
    }
    return empty;
  }

  private Column randomColumn() {
    return switch (random.nextInt(4)) {
      case 0 -> Column.FREE;
      case 1 -> scanned();
      default -> masked(MASKS.get(random.nextInt(MASKS.size())));
    };
  }

  private String randomValue() {
    return switch (random.nextInt(8)) {
      case 0 -> null;
      case 1 -> "";
      case 2 -> CARD;
      case 3 -> "see " + CARD + " é 中";
      case 4 -> "x".repeat(random.nextInt(600));
      default -> "value " + random.nextInt(1_000_000);
    };
  }

  private byte[] randomRow(int columns) {
    String[] values = new String[columns];
    for (int i = 0; i < columns; i++) {
      values[i] = randomValue();
    }
    return row(values);
  }

  @Test
  void rowsTogetherAreMaskedAsEachAlone() {
    for (int round = 0; round < 300; round++) {
      Column[] columns = new Column[random.nextInt(6)];
      for (int i = 0; i < columns.length; i++) {
        columns[i] = randomColumn();
      }
      RowMask mask = mask(columns);
      byte[] rows = new byte[0];
      byte[] alone = new byte[0];
      for (int i = random.nextInt(40); i >= 0; i--) {
        byte[] row = randomRow(columns.length);
        rows = join(rows, row);
        alone = join(alone, mask(mask, row));
      }
      assertThat(mask(mask, rows)).isEqualTo(alone);
    }
  }

  @Test
  void whatStandsBetweenMaskedValuesIsAsItWas() {
    RowMask mask =
        mask(Column.FREE, masked(Mask.REDACT), Column.FREE, masked(Mask.NULL), Column.FREE);
    assertThat(mask(mask, row("a", "secret", null, "secret", "é")))
        .isEqualTo(row("a", "[redacted]", null, null, "é"));
    assertThat(mask(mask, row(null, null, "", null, "")))
        .isEqualTo(row(null, "[redacted]", "", null, ""));
  }

  @Test
  void masksAndDetectorsCountWhatTheyReplaced() {
    RowMask mask = mask(masked(Mask.HASH), scanned(), Column.FREE);
    byte[] rows = join(row("a", "b", CARD), row(null, CARD, "x"), row("c", null, null));
    ByteBuf out = Unpooled.buffer();
    assertThat(masks.rows(mask, Unpooled.wrappedBuffer(rows), 0, rows.length, out)).isEqualTo(3);
  }

  @Test
  void aRowThatIsMalformedAnywhereLetsNothingThrough() {
    RowMask mask = mask(masked(Mask.HASH), Column.FREE, scanned());
    byte[] good = row("secret", "b", CARD);
    List<byte[]> malformed = new ArrayList<>();
    malformed.add(message('D'));
    malformed.add(message('D', int16(2), int32(-1), int32(-1)));
    malformed.add(message('D', int16(4), int32(-1), int32(-1), int32(-1), int32(-1)));
    malformed.add(message('D', int16(3), int32(-1), int32(-1)));
    malformed.add(message('D', int16(3), int32(-1), int32(-1), int32(-2)));
    malformed.add(message('D', int16(3), int32(-1), int32(-1), int32(1)));
    malformed.add(message('D', int16(3), int32(-1), int32(-1), int32(-1), new byte[1]));
    malformed.add(message('D', int16(3), int32(Integer.MAX_VALUE), int32(-1), int32(-1)));
    malformed.add(message('D', int16(3), int32(Integer.MIN_VALUE), int32(-1), int32(-1)));
    malformed.add(message('C', int16(3), int32(-1), int32(-1), int32(-1)));
    malformed.add(new byte[] {'D', 0, 0, 0});
    malformed.add(new byte[] {'D', 0, 0, 0, 3});
    malformed.add(new byte[] {'D', (byte) 0x80, 0, 0, 0});
    malformed.add(new byte[] {'D', 0x7f, (byte) 0xff, (byte) 0xff, (byte) 0xff});
    for (byte[] bad : malformed) {
      for (byte[] rows : List.of(bad, join(good, bad), join(bad, good), join(good, bad, good))) {
        ByteBuf out = Unpooled.buffer();
        assertThatThrownBy(
                () -> masks.rows(mask, Unpooled.wrappedBuffer(rows), 0, rows.length, out))
            .as("%s", rows)
            .isInstanceOf(ProtocolViolation.class)
            .hasMessage("target: malformed row");
        assertThat(out.readableBytes()).isZero();
        assertThat(isRoomEmpty()).isTrue();
      }
    }
    assertThat(mask(mask, good)).isNotEmpty();
  }

  @Test
  void rowsCutOffAnywhereLetNothingThrough() {
    RowMask mask = mask(masked(Mask.FORMAT_PRESERVING), Column.FREE, scanned());
    byte[] first = row("secret", "b", CARD);
    byte[] rows = join(first, row("x", null, "y"));
    for (int length = 1; length < rows.length; length++) {
      int end = length;
      ByteBuf out = Unpooled.buffer();
      if (end == first.length) {
        continue;
      }
      assertThatThrownBy(() -> masks.rows(mask, Unpooled.wrappedBuffer(rows), 0, end, out))
          .isInstanceOf(ProtocolViolation.class);
      assertThat(out.readableBytes()).isZero();
    }
  }

  @Test
  void noChangedByteShowsAMaskedValueOrBreaksTheRows() {
    RowMask mask = mask(masked(Mask.HASH), masked(Mask.REDACT), Column.FREE);
    byte[] rows = join(row("AAAAAAAAAA", "BBBBBBBBBB", "c"), row("AAAAAAAAAA", null, "d"));
    for (int i = 0; i < rows.length; i++) {
      for (int value = 0; value < 256; value++) {
        byte[] changed = rows.clone();
        changed[i] = (byte) value;
        ByteBuf out = Unpooled.buffer();
        try {
          masks.rows(mask, Unpooled.wrappedBuffer(changed), 0, changed.length, out);
        } catch (ProtocolViolation e) {
          assertThat(out.readableBytes()).isZero();
          continue;
        }
        byte[] written = ByteBufUtil.getBytes(out);
        assertThat(new String(written, StandardCharsets.ISO_8859_1)).doesNotContain("AAAA", "BBBB");
        assertWellFormed(written, 3);
      }
    }
  }

  private static void assertWellFormed(byte[] rows, int columns) {
    ByteBuffer buffer = ByteBuffer.wrap(rows);
    while (buffer.hasRemaining()) {
      assertThat(buffer.get()).isEqualTo((byte) 'D');
      int end = buffer.position() + buffer.getInt();
      assertThat(buffer.getShort()).isEqualTo((short) columns);
      for (int i = 0; i < columns; i++) {
        int length = buffer.getInt();
        assertThat(length).isBetween(-1, end - buffer.position());
        buffer.position(buffer.position() + Math.max(length, 0));
      }
      assertThat(buffer.position()).isEqualTo(end);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {8_191, 8_192, 16_383, 16_385, 100_000, MAX_KEPT_BYTES, 5_000_000})
  void aLongValueIsMaskedAndItsRoomGivenBack(int length) {
    RowMask mask = mask(masked(Mask.FORMAT_PRESERVING), masked(Mask.HASH), scanned());
    String value = "x".repeat(length);
    byte[] written = mask(mask, row(value, value, value + " " + CARD));
    assertThat(written).hasSize(7 + 12 + length + 24 + length + 1 + "[redacted]".length());
    assertThat(new String(written, 7 + 4, length, StandardCharsets.US_ASCII)).matches("[a-z]*");
    assertThat(MaskRoom.current().in().length).isLessThanOrEqualTo(MAX_KEPT_BYTES);
    assertThat(MaskRoom.current().out().array().length).isLessThanOrEqualTo(MAX_KEPT_BYTES);
  }

  @Test
  void aRowOfAsManyColumnsAsThereCanBeGrowsAndIsWhole() {
    Column[] columns = new Column[1_664];
    String[] values = new String[columns.length];
    for (int i = 0; i < columns.length; i++) {
      columns[i] = masked(Mask.HASH);
      values[i] = i % 2 == 0 ? "v" : "";
    }
    byte[] row = row(values);
    byte[] written = mask(mask(columns), join(row, row, row, row));
    assertThat(written).hasSize(4 * (7 + columns.length * (4 + 24)));
    assertWellFormed(written, columns.length);
  }
}
