package dev.chaperone.sidecar.protocol.postgresql;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.policy.Decision;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.NamedStatements;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.SqlAnalyzer;
import dev.chaperone.policy.sql.SqlLimits;
import dev.chaperone.policy.sql.SqlSession;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Finding a decision in the cache. In the gateway's package, whose classes are its own. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class CachedDecisionBenchmark {
  private static final String TEXT = "SELECT name, email FROM customers WHERE id = ";
  private static final int TEXTS = 4096;

  private final JudgementCache cache = new JudgementCache();
  private final ByteBuf[] others = new ByteBuf[TEXTS];
  private ByteBuf same;
  private int next;

  /** Judges one text and keeps the judgement. */
  @Setup
  public void fill() throws InvalidConfigurationException {
    Configuration configuration = Configuration.load(Path.of("examples", "quickstart"), 1);
    SqlSession session =
        new SqlSession(Catalog.builtIn(), "", List.of(List.of("public")), Set.of());
    byte[] text = (TEXT + "0").getBytes(UTF_8);
    try (SqlAnalyzer analyzer = new SqlAnalyzer(SqlLimits.DEFAULT)) {
      SqlAnalysis.Understood analysis =
          (SqlAnalysis.Understood) analyzer.analyze(TEXT + "0", session, NamedStatements.NONE);
      Decision decision =
          configuration
              .policies()
              .decide(
                  analysis.operation(),
                  configuration.connections().get(0).requester(),
                  Instant.EPOCH);
      cache.put(
          text,
          new Judgement(
              new JudgementContext(null, session),
              analysis,
              Optional.of(decision),
              Optional.empty(),
              Optional.empty(),
              null,
              List.of(),
              Set.of()));
    }
    same = Unpooled.wrappedBuffer(text);
    for (int i = 0; i < TEXTS; i++) {
      others[i] = Unpooled.wrappedBuffer((TEXT + i).getBytes(UTF_8));
    }
    if (sameText() == null || otherLiteral() == null) {
      throw new IllegalStateException("the decision is not found in the cache");
    }
  }

  /** The text that was judged. */
  @Benchmark
  public Object sameText() {
    return cache.find(same, 0, same.readableBytes());
  }

  /** The same statement with another literal. */
  @Benchmark
  public Object otherLiteral() {
    ByteBuf text = others[next++ & (TEXTS - 1)];
    return cache.find(text, 0, text.readableBytes());
  }
}
