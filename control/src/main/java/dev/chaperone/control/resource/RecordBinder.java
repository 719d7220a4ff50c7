package dev.chaperone.control.resource;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns a validated tree into the records of module crds. The schema has already said that
 * everything fits, so there is nothing to report here, and no mapper library to load.
 */
final class RecordBinder {
  private RecordBinder() {}

  /** A record of the given type from plain maps, lists and scalars. */
  static <T> T bind(Object value, Class<T> type) {
    return type.cast(convert(value, type));
  }

  private static Object convert(Object value, Type type) {
    if (value == null) {
      return null;
    }
    if (type instanceof ParameterizedType generic) {
      Type[] arguments = generic.getActualTypeArguments();
      if (value instanceof List<?> list) {
        return list.stream().map(item -> convert(item, arguments[0])).toList();
      }
      Map<String, Object> converted = new LinkedHashMap<>();
      ((Map<?, ?>) value)
          .forEach((key, item) -> converted.put((String) key, convert(item, arguments[1])));
      return converted;
    }
    Class<?> target = (Class<?>) type;
    if (target.isRecord()) {
      return instance((Map<?, ?>) value, target);
    }
    if (target.isEnum()) {
      return constant((String) value, target);
    }
    if (target == Integer.class) {
      return Math.toIntExact((Long) value);
    }
    return value;
  }

  private static Object instance(Map<?, ?> values, Class<?> type) {
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    Object[] arguments = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      arguments[i] = convert(values.get(components[i].getName()), components[i].getGenericType());
    }
    try {
      return type.getDeclaredConstructor(types).newInstance(arguments);
    } catch (InstantiationException
        | IllegalAccessException
        | InvocationTargetException
        | NoSuchMethodException e) {
      throw new IllegalStateException(type + " does not fit its schema", e);
    }
  }

  private static Object constant(String name, Class<?> type) {
    for (Object constant : type.getEnumConstants()) {
      try {
        JsonProperty property =
            type.getField(((Enum<?>) constant).name()).getAnnotation(JsonProperty.class);
        if (property != null && property.value().equals(name)) {
          return constant;
        }
      } catch (NoSuchFieldException e) {
        throw new IllegalStateException(e);
      }
    }
    throw new IllegalStateException(type + " has no " + name);
  }
}
