package dev.chaperone.policy.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

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

  @Test
  void aFileOfAnotherFormIsRefusedWithItsLine() {
    assertThatThrownBy(() -> Catalog.read(new StringReader("x"))).isInstanceOf(IOException.class);
    assertThatThrownBy(
            () -> Catalog.read(new StringReader("chaperone catalog 1\nschema\tpublic\nnonsense\n")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("line 3");
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
