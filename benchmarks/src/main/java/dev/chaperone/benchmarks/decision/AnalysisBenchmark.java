package dev.chaperone.benchmarks.decision;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.policy.Decision;
import dev.chaperone.policy.Operation;
import dev.chaperone.policy.PolicySet;
import dev.chaperone.policy.Requester;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.NamedStatements;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.SqlAnalyzer;
import dev.chaperone.policy.sql.SqlLimits;
import dev.chaperone.policy.sql.SqlSession;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Reading a statement (what a miss of the cache costs) and deciding one that was read. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class AnalysisBenchmark {
  /** Which text. */
  @Param({"point", "join", "denied", "1k", "100k"})
  public String statement;

  private final SqlAnalyzer analyzer = new SqlAnalyzer(SqlLimits.DEFAULT);
  private String text;
  private SqlSession session;
  private PolicySet policies;
  private Requester requester;
  private Operation operation;

  /** Loads the quickstart's policy. */
  @Setup
  public void load() throws InvalidConfigurationException {
    Configuration configuration = Configuration.load(Path.of("examples", "quickstart"), 1);
    policies = configuration.policies();
    requester = configuration.connections().get(0).requester();
    session = new SqlSession(Catalog.builtIn(), "", List.of(List.of("public")), Set.of());
    text = Statements.text(statement);
    operation = ((SqlAnalysis.Understood) read()).operation();
  }

  /** Ends the analyzer's threads. */
  @TearDown
  public void close() {
    analyzer.close();
  }

  /** Scanner, token gate and grammar. */
  @Benchmark
  public SqlAnalysis read() {
    return analyzer.analyze(text, session, NamedStatements.NONE);
  }

  /** The policy alone. */
  @Benchmark
  public Decision decide() {
    return policies.decide(operation, requester, Instant.EPOCH);
  }
}
