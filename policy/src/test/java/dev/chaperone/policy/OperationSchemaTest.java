package dev.chaperone.policy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.sql.SqlAttributes;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class OperationSchemaTest {

  @Test
  void theSqlFieldsAreTheAttributesOfTheAnalysis() {
    Map<String, String> attributes = new TreeMap<>();
    SqlAttributes.TYPES.forEach((name, type) -> attributes.put(name, type.name()));
    Map<String, String> fields = new TreeMap<>();
    OperationSchema.SQL.forEach((name, type) -> fields.put(name, type.name()));
    assertThat(fields).isEqualTo(attributes);
  }
}
