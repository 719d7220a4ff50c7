package dev.chaperone.crds;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.lang.reflect.Field;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The order in which a type declares its fields and values: what belongs together stands together,
 * where a schema has the alphabet's.
 */
final class DeclaredOrder {
  private DeclaredOrder() {}

  /** The fields of a resource that people look for: what is wanted, and what is. */
  static Map<String, Type> ofResource(Class<?> resource) {
    Type[] arguments =
        ((ParameterizedType) resource.getGenericSuperclass()).getActualTypeArguments();
    Map<String, Type> fields = new LinkedHashMap<>();
    fields.put("spec", arguments[0]);
    fields.put("status", arguments[1]);
    return fields;
  }

  /** The fields of an object with their types; empty for what is no object of ours. */
  static Map<String, Type> fields(Type type) {
    Map<String, Type> fields = new LinkedHashMap<>();
    if (type instanceof Class<?> record && record.isRecord()) {
      for (RecordComponent component : record.getRecordComponents()) {
        fields.put(component.getName(), component.getGenericType());
      }
    }
    return fields;
  }

  /** What the items of a list are. */
  static Type item(Type list) {
    return ((ParameterizedType) list).getActualTypeArguments()[0];
  }

  /** The values of an enumeration, as they are written. */
  static List<String> values(Type type) {
    return Arrays.stream(((Class<?>) type).getFields())
        .filter(Field::isEnumConstant)
        .map(constant -> constant.getAnnotation(JsonProperty.class).value())
        .toList();
  }
}
