package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.masking.Detector;
import dev.chaperone.policy.masking.KeyedHash;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskKey;
import dev.chaperone.policy.masking.TextDetectors;
import dev.chaperone.policy.masking.ValueMask;
import dev.chaperone.policy.masking.ValueType;
import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import dev.chaperone.sidecar.protocol.postgresql.RowMask.Column;
import dev.chaperone.sidecar.testing.WireClient;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Rows as a hostile target may send them, under masks: either nothing is passed on, or whole rows
 * in which the first column is always what redacts, the second a hash, the third nothing, and only
 * the last one came through.
 */
class RowMaskFuzzTest extends FuzzTest {
  private static final String REDACTED = "[redacted]";
  private static final int HASH_BYTES = 24;
  private static final int COLUMNS = 4;

  private final KeyedHash hash = MaskKey.random().newHash();
  private final ResultMasks masks = new ResultMasks(MaskKey.random());

  @Override
  protected List<byte[]> seeds() {
    return List.of(
        WireClient.join(new byte[1], row("secret", "secret", "secret", "free")),
        WireClient.join(
            new byte[] {1}, row(null, "", null, ""), row("a", null, "b", "4111 1111 1111 1111")),
        WireClient.join(new byte[1], WireClient.messageOfLength('D', 6, new byte[] {0, 4})));
  }

  private static byte[] row(String... values) {
    byte[] body = WireClient.int16(values.length);
    for (String value : values) {
      byte[] bytes = value == null ? new byte[0] : value.getBytes(StandardCharsets.UTF_8);
      body = WireClient.join(body, WireClient.int32(value == null ? -1 : bytes.length), bytes);
    }
    return WireClient.message('D', body);
  }

  @Override
  protected void fuzz(byte[] input) {
    FuzzInput in = new FuzzInput(input);
    boolean scans = in.octet() % 2 == 1;
    byte[] rows = in.rest();
    RowMask mask =
        new RowMask(
            new Column[] {
              masked(Mask.REDACT),
              masked(Mask.HASH),
              masked(Mask.NULL),
              scans ? new Column(null, ValueType.TEXT, false, true) : Column.FREE
            },
            new TextDetectors(Map.of(Detector.CREDIT_CARD, Mask.REDACT), ValueType::of, hash),
            hash);
    ByteBuf out = Unpooled.buffer();
    try {
      masks.rows(mask, Unpooled.wrappedBuffer(rows), 0, rows.length, out);
    } catch (ProtocolViolation e) {
      assertThat(out.readableBytes()).isZero();
      return;
    } finally {
      assertThat(MaskRoom.current().length()).isZero();
    }
    List<List<byte[]>> sent = rows(rows);
    List<List<byte[]>> written = rows(ByteBufUtil.getBytes(out));
    assertThat(written).hasSameSizeAs(sent);
    for (int i = 0; i < written.size(); i++) {
      assertThat(text(written.get(i).get(0))).isEqualTo(REDACTED);
      assertThat(text(written.get(i).get(1)))
          .matches(sent.get(i).get(1) == null ? "NULL" : "[0-9a-f]{" + HASH_BYTES + "}");
      assertThat(written.get(i).get(2)).isNull();
      if (!scans) {
        assertThat(written.get(i).get(3)).isEqualTo(sent.get(i).get(3));
      }
    }
  }

  private Column masked(Mask mask) {
    return new Column(
        ValueMask.of(mask, ValueType.TEXT, false, hash), ValueType.TEXT, false, false);
  }

  private static String text(byte[] value) {
    return value == null ? "NULL" : new String(value, StandardCharsets.ISO_8859_1);
  }

  /** The values of rows, which must be whole; null for NULL. */
  private static List<List<byte[]>> rows(byte[] bytes) {
    List<List<byte[]>> rows = new ArrayList<>();
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      assertThat(buffer.get()).isEqualTo((byte) 'D');
      int end = buffer.position() + buffer.getInt();
      assertThat(buffer.getShort()).isEqualTo((short) COLUMNS);
      List<byte[]> row = new ArrayList<>();
      for (int i = 0; i < COLUMNS; i++) {
        int length = buffer.getInt();
        byte[] value = new byte[Math.max(length, 0)];
        buffer.get(value);
        row.add(length < 0 ? null : value);
      }
      assertThat(buffer.position()).isEqualTo(end);
      rows.add(row);
    }
    return rows;
  }
}
