package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.ByteOutput;
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
import java.util.Arrays;
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

/** What one row of six columns costs of which three are masked, or searched by every detector. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RowMaskBenchmark {
  private static final int ROWS = 1000;
  private static final String[] VALUES = {
    "17", "Ada Ahn", "ada.ahn@example.com", "123-45-6789", "4111 1111 1111 1111", "2024-01-02"
  };

  /** What is done with the masked columns. */
  @Param({"PARTIAL", "FORMAT_PRESERVING", "HASH", "NULL", "REDACT", "DETECTORS"})
  public String with;

  private byte[] row;
  private RowMask mask;
  private final ByteBuf out = Unpooled.buffer(1 << 20);

  /** Makes the row and its mask. */
  @Setup
  public void prepare() {
    ByteOutput body = new ByteOutput(256);
    body.putShort(VALUES.length);
    for (String value : VALUES) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      body.putInt(bytes.length).put(bytes);
    }
    row = body.toByteArray();
    KeyedHash hash = MaskKey.random().newHash();
    boolean detecting = with.equals("DETECTORS");
    RowMask.Column[] columns = new RowMask.Column[VALUES.length];
    Arrays.fill(columns, RowMask.Column.FREE);
    for (int i = 2; i < 5; i++) {
      columns[i] =
          new RowMask.Column(
              detecting ? null : ValueMask.of(Mask.valueOf(with), ValueType.TEXT, false, hash),
              ValueType.TEXT,
              false,
              detecting);
    }
    Map<Detector, Mask> all =
        Arrays.stream(Detector.values()).collect(Collectors.toMap(d -> d, d -> Mask.REDACT));
    mask = new RowMask(columns, new TextDetectors(all, ValueType::of, hash), new ByteOutput(256));
  }

  /** Masks 1,000 rows. */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public int row() {
    out.clear();
    int masked = 0;
    for (int i = 0; i < ROWS; i++) {
      masked += mask.write(row, row.length, out);
    }
    return masked;
  }
}
