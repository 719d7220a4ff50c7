package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.policy.Dependency;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Texts that are alike but for their literals are analysed alike, unless the analysis says that it
 * depends on them: that is what the cache of decisions rests on.
 */
@Tag("long")
class SkeletonAnalysisTest {
  private static final SqlLimits LIMITS =
      new SqlLimits(1 << 20, 100_000, 200, 1_000, Duration.ofSeconds(10));
  private static final String[] NUMBERS = {"0", "7", "4096", "1.5", "1e5", "2.5e-3"};
  private static final String[] STRINGS = {
    "''",
    "'x'",
    "'it''s'",
    "'orders'",
    "'purge()'",
    "'1 day'",
    "'client_encoding'",
    "'evil'",
    "'; DROP TABLE orders; --'",
    "'/*'",
    "'off'",
    "'16400'",
    "'\"'"
  };

  @Test
  void literalsMakeNoDifferenceThatIsNotDeclared() throws IOException {
    List<String> texts = new ArrayList<>();
    for (String corpus :
        List.of(
            "/corpora/benign-corpus.jsonl",
            "/corpora/block-corpus.jsonl",
            "/corpora/bypasses.jsonl")) {
      for (String line : resource(corpus).lines().toList()) {
        JsonNode entry = new ObjectMapper().readTree(line);
        if (entry.has("sql")) {
          texts.add(entry.get("sql").asText());
        }
      }
    }
    StatementGenerator generator = new StatementGenerator(5);
    for (int i = 0; i < 500; i++) {
      texts.add(generator.next());
    }
    Random random = new Random(5);
    int compared = 0;
    try (SqlAnalyzer analyzer = new SqlAnalyzer(LIMITS)) {
      for (String text : texts) {
        compared += compare(analyzer, text, random);
      }
    }
    System.out.println("== texts compared with others of the same skeleton: " + compared);
    assertThat(compared).isGreaterThan(500);
  }

  private static int compare(SqlAnalyzer analyzer, String text, Random random) {
    byte[] skeleton = skeleton(text);
    if (skeleton == null || !hasLiteral(skeleton)) {
      return 0;
    }
    SqlAnalysis analysis = analyze(analyzer, text);
    if (analysis.dependencies().contains(Dependency.LITERALS)) {
      return 0;
    }
    for (int i = 0; i < 3; i++) {
      String other = fill(skeleton, random);
      assertThat(skeleton(other)).as(other).isEqualTo(skeleton);
      SqlAnalysis again = analyze(analyzer, other);
      assertThat(again.getClass()).as(other).isEqualTo(analysis.getClass());
      if (analysis instanceof SqlAnalysis.Understood first
          && again instanceof SqlAnalysis.Understood second) {
        assertThat(second.operation().parts()).as(other).isEqualTo(first.operation().parts());
        assertThat(second.dependencies()).as(other).isEqualTo(first.dependencies());
        assertThat(second.refusal()).as(other).isEqualTo(first.refusal());
      }
    }
    return 1;
  }

  private static SqlAnalysis analyze(SqlAnalyzer analyzer, String text) {
    return analyzer.analyze(
        text,
        new SqlSession(Catalog.builtIn(), "agent", List.of(List.of("public")), Set.of()),
        NamedStatements.NONE);
  }

  private static byte[] skeleton(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    byte[] out = new byte[bytes.length];
    int length = SqlSkeleton.write(bytes, 0, bytes.length, out);
    return length == SqlSkeleton.NOT_ELIGIBLE ? null : Arrays.copyOf(out, length);
  }

  private static boolean hasLiteral(byte[] skeleton) {
    for (byte b : skeleton) {
      if (b == SqlSkeleton.NUMBER || b == SqlSkeleton.STRING) {
        return true;
      }
    }
    return false;
  }

  private static String fill(byte[] skeleton, Random random) {
    StringBuilder text = new StringBuilder();
    for (byte b : skeleton) {
      switch (b) {
        case SqlSkeleton.NUMBER -> text.append(NUMBERS[random.nextInt(NUMBERS.length)]);
        case SqlSkeleton.STRING -> text.append(STRINGS[random.nextInt(STRINGS.length)]);
        default -> text.append((char) b);
      }
    }
    return text.toString();
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = SkeletonAnalysisTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
