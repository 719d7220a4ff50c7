package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BuiltInCatalogTest {

  @Test
  void relationsItDoesNotKnowAreTakenForPlainTables() {
    assertThat(accesses("SELECT count(*) FROM orders JOIN pg_catalog.pg_class c ON true"))
        .containsExactly("Read SELECT public.orders");
    assertThat(accesses("DELETE FROM app.orders WHERE id = 1"))
        .containsExactly("Write DELETE app.orders");
  }

  @Test
  void functionsItDoesNotKnowAreExecuted() {
    assertThat(accesses("SELECT my_function(1), lower('X')"))
        .containsExactly("Execute SELECT public.my_function()");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''                                          | not a catalog file
          x                                           | not a catalog file
          chaperone catalog 1~version~150018          | another version; have 'policy catalog' write it again
          chaperone catalog 2~schema public~nonsense  | line 3 of the catalog file: unknown kind
          chaperone catalog 2~version x               | line 2 of the catalog file: For input string
          chaperone catalog 2~relation 1 public t     | line 2 of the catalog file: a field is missing
          chaperone catalog 2~column 1 1 id           | line 2 of the catalog file: a field is missing
          chaperone catalog 2~cast a b public.f true  | line 2 of the catalog file: a field is missing
          chaperone catalog 2~hidden 1 Raed SELECT x  | line 2 of the catalog file: No enum constant
          """)
  void aFileOfAnotherFormIsRefusedWithItsLine(String text, String message) {
    assertThatThrownBy(() -> Catalog.read(new StringReader(tabs(text.replace('~', '\n')))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(message);
  }

  /** Fields of all lines but the first are separated by tabs. */
  private static String tabs(String file) {
    int end = file.indexOf('\n');
    return end < 0 ? file : file.substring(0, end) + file.substring(end).replace(' ', '\t');
  }

  private static List<String> accesses(String text) {
    SqlSession session =
        new SqlSession(Catalog.builtIn(), "agent", List.of(List.of("public")), Set.of());
    try (SqlAnalyzer analyzer = new SqlAnalyzer(SqlLimits.DEFAULT)) {
      SqlAnalysis.Understood understood =
          (SqlAnalysis.Understood) analyzer.analyze(text, session, NamedStatements.NONE);
      return understood.operation().parts().get(0).accesses().stream()
          .map(Object::toString)
          .toList();
    }
  }
}
