package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.policy.testing.PostgresServer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What the analysis says reads, and no more, changes nothing on a real server: statements of a
 * grammar, and the corpora changed and crossed.
 *
 * <p>A build runs the same statements as the build before it ({@code -Dfuzz.statements}, 1,500).
 * With {@code -Dfuzz.seconds} it looks for so long at others, and prints the seed that repeats them
 * ({@code -Dfuzz.seed}).
 */
@Tag("long")
class ReadsChangeNothingIT {
  private static final int STATEMENTS = Integer.getInteger("fuzz.statements", 1_500);
  private static final int SECONDS = Integer.getInteger("fuzz.seconds", 0);
  private static final long SEED =
      Long.getLong("fuzz.seed", SECONDS > 0 ? System.nanoTime() : 20_261_122);

  /** So many findings are enough to show at once. */
  private static final int FINDINGS = 30;

  @Test
  void whatIsJudgedToReadChangesNothing() throws Exception {
    try (PostgresServer server = PostgresServer.startOrAbort("the property test", settings())) {
      Result result =
          run(
              server,
              SEED,
              SECONDS > 0 ? Integer.MAX_VALUE : STATEMENTS,
              Duration.ofSeconds(SECONDS > 0 ? SECONDS : 600));
      System.out.println("== reads change nothing: " + result.summary());
      assertThat(result.findings.values()).as("seed " + SEED).isEmpty();
      assertThat(result.changedContent).as("seed " + SEED).isEmpty();
      assertThat(result.count(EffectProbe.Outcome.Kind.RAN)).isPositive();
    }
  }

  /** Nobody but the statements themselves may take a transaction number. */
  static Map<String, String> settings() {
    return Map.of(
        "autovacuum",
        "off",
        "statement_timeout",
        "3s",
        "max_wal_senders",
        "2",
        "log_statement",
        "all");
  }

  /** What came of a run. */
  static final class Result {
    final Map<EffectProbe.Outcome.Kind, Integer> counts =
        new EnumMap<>(EffectProbe.Outcome.Kind.class);
    final Map<String, String> findings = new LinkedHashMap<>();
    final Set<String> changedContent = new TreeSet<>();
    final long seed;

    Result(long seed) {
      this.seed = seed;
    }

    int count(EffectProbe.Outcome.Kind kind) {
      return counts.getOrDefault(kind, 0);
    }

    String summary() {
      return "seed " + seed + ", " + counts + ", findings " + findings.size();
    }
  }

  static Result run(PostgresServer server, long seed, int statements, Duration time)
      throws Exception {
    Path files = EffectProbe.files(server);
    Random random = new Random(seed);
    List<String> scripts = new ArrayList<>();
    scripts.add(resource("/corpora/base.sql"));
    scripts.add(resource("/fuzz/scratch.sql"));
    if (random.nextInt(4) == 0) {
      scripts.add(resource("/fuzz/scratch-wide.sql"));
    }
    Catalog catalog = EffectProbe.make(server, scripts, files);
    GrammarGenerator grammar =
        new GrammarGenerator(
            EffectProbe.places(resource("/fuzz/grammar.txt"), server, files), random);
    StatementMutations mutations =
        new StatementMutations(corpora(server, files), grammar, random, catalog.serverVersionNum());
    Result result = new Result(seed);
    Instant end = Instant.now().plus(time);
    try (ServerWatch watch = new ServerWatch(server, files);
        EffectProbe superuser = new EffectProbe(server, "postgres", catalog, watch);
        EffectProbe user = new EffectProbe(server, "app", catalog, watch)) {
      Map<String, String> content = watch.content();
      int ran = 0;
      int compared = 0;
      while (ran < statements && result.findings.size() < FINDINGS && Instant.now().isBefore(end)) {
        String sql = mutations.next();
        boolean inTransaction = random.nextInt(4) > 0;
        EffectProbe probe = random.nextInt(3) > 0 ? superuser : user;
        EffectProbe.Outcome outcome = probe.tryOut(sql, inTransaction);
        result.counts.merge(outcome.kind(), 1, Integer::sum);
        if (outcome.kind() == EffectProbe.Outcome.Kind.RAN) {
          ran++;
        }
        if (!outcome.problems().isEmpty()) {
          String least = probe.minimise(sql, inTransaction, catalog.serverVersionNum());
          String finding = least + " -- " + outcome.problems() + ", from: " + sql;
          if (result.findings.putIfAbsent(least, finding) == null) {
            System.out.println("== found: " + finding);
          }
        } else if (ran >= compared + 1_000) {
          compared = ran;
          result.changedContent.addAll(watch.changedContent(content));
        }
      }
      if (result.findings.isEmpty()) {
        result.changedContent.addAll(watch.changedContent(content));
      }
    }
    return result;
  }

  private static List<String> corpora(PostgresServer server, Path files) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<String> statements = new ArrayList<>();
    for (String corpus :
        List.of(
            "/corpora/benign-corpus.jsonl",
            "/corpora/block-corpus.jsonl",
            "/corpora/bypasses.jsonl")) {
      for (String line : resource(corpus).lines().toList()) {
        JsonNode entry = json.readTree(line);
        if (entry.has("sql")) {
          statements.add(EffectProbe.places(entry.get("sql").asText(), server, files));
        }
      }
    }
    return statements;
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = ReadsChangeNothingIT.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
