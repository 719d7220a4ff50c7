package dev.chaperone.operator.injection;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.lang.reflect.Field;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SecretReferencesTest {
  private static final String GUARDED = "orders-db";

  static Set<String> knownFields() {
    return new TreeSet<>(SecretFields.KNOWN);
  }

  @ParameterizedTest
  @MethodSource("knownFields")
  void everyFieldThatNamesASecretIsFound(String field) {
    JsonNode spec = specWith(field);
    assertThat(SecretReferences.find(Place.root(spec), Set.of("x", GUARDED), pointer -> false))
        .extracting(Place::path)
        .containsExactly(field.replace("[]", "[0]"));
    assertThat(SecretReferences.find(Place.root(spec), Set.of("other"), pointer -> false))
        .isEmpty();
    assertThat(SecretReferences.find(Place.root(spec), Set.of(), pointer -> false)).isEmpty();
  }

  @Test
  void theKeyInASecretIsNotItsName() {
    JsonNode spec =
        Examples.yaml(
            """
            volumes:
            - secret: {secretName: other, items: [{key: orders-db, path: orders-db}]}
            containers:
            - name: orders-db
              env:
              - {name: A, value: orders-db}
              - {name: B, valueFrom: {secretKeyRef: {name: other, key: orders-db}}}
              - {name: C, valueFrom: {configMapKeyRef: {name: orders-db, key: x}}}
            """);
    assertThat(SecretReferences.find(Place.root(spec), Set.of(GUARDED), pointer -> false))
        .isEmpty();
  }

  @Test
  void whatIsTheGatewaysOwnIsNotSearched() {
    JsonNode spec = specWith("volumes[].secret.secretName");
    assertThat(
            SecretReferences.find(
                Place.root(spec), Set.of(GUARDED), pointer -> pointer.equals("/volumes/0")))
        .isEmpty();
  }

  /** A new version of the client's model of the API with a new field makes this fail. */
  @Test
  void theKnownFieldsAreThoseOfThePodApi() {
    Set<String> found = new TreeSet<>();
    collect(PodSpec.class, "", new HashSet<>(), found);
    assertThat(found).containsExactlyElementsOf(knownFields());
  }

  /** All text fields below a name with the word Secret, but for the keys in it and their files. */
  private static void collect(Type type, String path, Set<Type> above, Set<String> found) {
    if (type instanceof ParameterizedType generic) {
      if (List.class.isAssignableFrom((Class<?>) generic.getRawType())) {
        collect(generic.getActualTypeArguments()[0], path + "[]", above, found);
      }
      return;
    }
    if (type == String.class) {
      if (path.toLowerCase(Locale.ROOT).contains("secret")
          && !path.endsWith(".key")
          && !path.endsWith(".path")
          // A file of the node.
          && !path.endsWith("cephfs.secretFile")) {
        found.add(path);
      }
      return;
    }
    Class<?> bean = (Class<?>) type;
    if (!bean.getName().startsWith("io.fabric8.") || !above.add(type)) {
      return;
    }
    for (Field field : bean.getDeclaredFields()) {
      JsonProperty property = field.getAnnotation(JsonProperty.class);
      if (property != null && !Map.class.isAssignableFrom(field.getType())) {
        collect(
            field.getGenericType(),
            path.isEmpty() ? property.value() : path + "." + property.value(),
            above,
            found);
      }
    }
    above.remove(type);
  }

  private static JsonNode specWith(String field) {
    ObjectNode spec = Examples.JSON.createObjectNode();
    ObjectNode at = spec;
    String[] steps = field.split("\\.", -1);
    for (int i = 0; i < steps.length - 1; i++) {
      String name = steps[i].replace("[]", "");
      if (steps[i].endsWith("[]")) {
        ArrayNode list = at.putArray(name);
        at = list.addObject();
      } else {
        at = at.putObject(name);
      }
    }
    at.put(steps[steps.length - 1], GUARDED);
    return spec;
  }
}
