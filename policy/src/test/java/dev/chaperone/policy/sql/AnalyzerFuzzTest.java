package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Whatever a client sends, the analysis gives an answer. */
class AnalyzerFuzzTest {
  private static final String[] WORDS =
      """
      create alter drop grant revoke comment on table view rule schema policy function index set
      reset session local authorization role to as do also instead nothing select insert into
      update delete from where values with recursive merge using when matched then conflict for
      copy to stdin program lock truncate only all in owner system foreign server mapping cast
      reassign owned by vacuum analyze cluster reindex concurrently explain prepare execute declare
      cursor fetch move close call listen transaction characteristics constraints time zone names
      begin atomic end case operator or replace temp materialized if not exists default of inherits
      references attach partition security label import column constraint trigger event large object
      ( ) ( ) [ ] , , . = * + 1 'x' $1 a b "c" ; :: returning order group limit join natural
      """
          .strip()
          .split("\\s+");

  @Test
  void noTextMakesTheAnalysisFail() {
    Random random = new Random(11);
    SqlSession session =
        new SqlSession(
            Catalog.builtIn(),
            "agent",
            List.of(List.of("public"), List.of(), List.of("pg_temp")),
            Set.of("a"));
    List<String> failures = new ArrayList<>();
    int understood = 0;
    for (int i = 0; i < 200_000 && failures.size() < 5; i++) {
      StringBuilder text = new StringBuilder();
      for (int k = random.nextInt(12); k >= 0; k--) {
        text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
      }
      try {
        understood += read(text.toString(), session);
      } catch (RuntimeException e) {
        failures.add(text + ": " + e);
      }
    }
    assertThat(failures).isEmpty();
    assertThat(understood).isGreaterThan(10_000);
  }

  /** As SqlAnalyzer does, without the grammar, which catches whatever its parser throws. */
  private static int read(String text, SqlSession session) {
    try {
      List<Token> tokens =
          SqlScanner.scan(text, SqlLimits.DEFAULT, session.catalog().serverVersionNum());
      Scope scope = new Scope(session, NamedStatements.NONE);
      for (List<Token> statement : StatementSplitter.split(tokens, SqlLimits.DEFAULT)) {
        StatementReader.Result result = StatementReader.read(statement, scope, Grammar.NONE);
        SqlStatement read =
            result.reading().toStatement(CanonicalText.of(statement), result.command(), 1);
        read.effects().forEach(scope::apply);
      }
      return 1;
    } catch (UnreadableException e) {
      return 0;
    }
  }
}
