package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.Detector;
import dev.chaperone.policy.masking.KeyedHash;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskKey;
import dev.chaperone.policy.masking.TextDetectors;
import dev.chaperone.policy.masking.ValueMask;
import dev.chaperone.policy.masking.ValueType;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What one row of six columns costs of which three are masked, or searched by every detector; from
 * the buffer that was read to the one that is written, a hundred rows at a time.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RowMaskBenchmark {
  private static final int ROWS = 100;
  private static final int MASKED = 3;

  /**
   * What is done with the masked columns. MIXED: one partial, one hashed, one in its format.
   * UNKNOWN: nothing in them is found by any detector.
   */
  @Param({
    "PARTIAL",
    "FORMAT_PRESERVING",
    "HASH",
    "NULL",
    "REDACT",
    "MIXED",
    "DETECTORS",
    "UNKNOWN"
  })
  public String with;

  private final ByteBuf rows = Unpooled.directBuffer();
  private final ByteBuf out = Unpooled.directBuffer(1 << 16);
  private final ResultMasks masks = new ResultMasks(MaskKey.random());
  private RowMask mask;

  /** Makes the rows and their mask. */
  @Setup
  public void prepare() {
    boolean detecting = with.equals("DETECTORS") || with.equals("UNKNOWN");
    KeyedHash hash = MaskKey.random().newHash();
    RowMask.Column[] columns = new RowMask.Column[2 * MASKED];
    Arrays.fill(columns, RowMask.Column.FREE);
    for (int i = 0; i < MASKED; i++) {
      columns[2 + i] =
          new RowMask.Column(
              detecting ? null : ValueMask.of(mask(i), ValueType.TEXT, false, hash),
              ValueType.TEXT,
              false,
              detecting);
    }
    Map<Detector, Mask> all =
        Arrays.stream(Detector.values()).collect(Collectors.toMap(d -> d, d -> Mask.REDACT));
    mask = new RowMask(columns, new TextDetectors(all, ValueType::of, hash), hash);
    for (int i = 0; i < ROWS; i++) {
      row(i);
    }
  }

  private Mask mask(int column) {
    return with.equals("MIXED")
        ? List.of(Mask.PARTIAL, Mask.HASH, Mask.FORMAT_PRESERVING).get(column)
        : Mask.valueOf(with);
  }

  private void row(int number) {
    List<String> masked =
        with.equals("UNKNOWN")
            ? List.of("Person of number " + number, "Main Street 5, Springfield", "in stock: 17")
            : List.of("person." + number + "@example.com", "123-45-6789", "4111 1111 1111 1111");
    List<String> values = new ArrayList<>(List.of("17", "Ada Ahn"));
    values.addAll(masked);
    values.add("2024-01-02");
    rows.writeByte(BackendMessage.DATA_ROW);
    int start = rows.writerIndex();
    rows.writeInt(0).writeShort(values.size());
    for (String value : values) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      rows.writeInt(bytes.length).writeBytes(bytes);
    }
    rows.setInt(start, rows.writerIndex() - start);
  }

  /** Masks 100 rows. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public int row() {
    out.clear();
    return masks.rows(mask, rows, 0, rows.writerIndex(), out);
  }
}
