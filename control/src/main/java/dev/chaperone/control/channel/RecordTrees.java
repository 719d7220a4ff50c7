package dev.chaperone.control.channel;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.chaperone.control.translation.SecretBytes;
import io.fabric8.generator.annotation.Required;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Records as plain values and back. A component of a message has to be there unless it is an
 * Optional or a List; one of a resource's part has to be there where the CRD requires it, and is
 * null where it is not. Fields that a record does not have are passed over: a newer side may say
 * more. Types are never converted.
 */
final class RecordTrees {
  private static final String MESSAGES = RecordTrees.class.getPackageName();

  /** To ask the runtime each time costs more than what is done with the answer. */
  private static final ClassValue<RecordComponent[]> COMPONENTS =
      new ClassValue<>() {
        @Override
        protected RecordComponent[] computeValue(Class<?> type) {
          return type.getRecordComponents();
        }
      };

  private RecordTrees() {}

  /** The components of a record that are not null or empty Optionals, in their order. */
  static Map<String, Object> toTree(Record value) {
    Map<String, Object> tree = new LinkedHashMap<>();
    for (RecordComponent component : COMPONENTS.get(value.getClass())) {
      try {
        Object plain = plain(component.getAccessor().invoke(value));
        if (plain != null) {
          tree.put(component.getName(), plain);
        }
      } catch (IllegalAccessException | InvocationTargetException e) {
        throw new IllegalStateException(value.getClass() + " cannot be read", e);
      }
    }
    return tree;
  }

  private static Object plain(Object value) {
    if (value instanceof Optional<?> optional) {
      return plain(optional.orElse(null));
    }
    if (value instanceof Integer number) {
      return number.longValue();
    }
    if (value instanceof Enum<?> constant) {
      return label(constant);
    }
    if (value instanceof Bytes bytes) {
      return Base64.getEncoder().encodeToString(bytes.toArray());
    }
    if (value instanceof SecretBytes bytes) {
      return Base64.getEncoder().encodeToString(bytes.bytes());
    }
    if (value instanceof Document document) {
      return document.fields();
    }
    if (value instanceof List<?> list) {
      List<Object> items = new ArrayList<>(list.size());
      list.forEach(item -> items.add(plain(item)));
      return items;
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> fields = new LinkedHashMap<>();
      map.forEach((key, item) -> fields.put((String) key, plain(item)));
      return fields;
    }
    return value instanceof Record nested ? toTree(nested) : value;
  }

  /** A record from plain values. */
  static <T> T fromTree(Map<?, ?> tree, Class<T> type, String path)
      throws MalformedMessageException {
    RecordComponent[] components = COMPONENTS.get(type);
    Class<?>[] types = new Class<?>[components.length];
    Object[] arguments = new Object[components.length];
    for (int i = 0; i < components.length; i++) {
      RecordComponent component = components[i];
      String below = path.isEmpty() ? component.getName() : path + "." + component.getName();
      Object value = tree.get(component.getName());
      types[i] = component.getType();
      arguments[i] =
          value == null
              ? absent(type, component, below)
              : convert(value, component.getGenericType(), below);
    }
    try {
      return type.getDeclaredConstructor(types).newInstance(arguments);
    } catch (InvocationTargetException e) {
      throw new MalformedMessageException(
          (path.isEmpty() ? "the message" : path) + ": a value is out of its range");
    } catch (InstantiationException | IllegalAccessException | NoSuchMethodException e) {
      throw new IllegalStateException(type + " cannot be made", e);
    }
  }

  private static Object absent(Class<?> type, RecordComponent component, String path)
      throws MalformedMessageException {
    boolean isMessage = type.getPackageName().equals(MESSAGES);
    if (isMessage && component.getType() == Optional.class) {
      return Optional.empty();
    }
    if (isMessage && component.getType() == List.class) {
      return List.of();
    }
    if (isMessage || isRequired(type, component)) {
      throw new MalformedMessageException(path + " is missing");
    }
    return null;
  }

  private static boolean isRequired(Class<?> type, RecordComponent component) {
    try {
      return type.getDeclaredField(component.getName()).isAnnotationPresent(Required.class);
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Object convert(Object value, Type type, String path)
      throws MalformedMessageException {
    if (type instanceof ParameterizedType generic) {
      return container(value, generic, path);
    }
    Class<?> target = (Class<?>) type;
    if (target == String.class) {
      return is(value, String.class, "text", path);
    }
    if (target == boolean.class || target == Boolean.class) {
      return is(value, Boolean.class, "a boolean", path);
    }
    if (target == long.class || target == Long.class) {
      return is(value, Long.class, "a whole number", path);
    }
    if (target == int.class || target == Integer.class) {
      long number = is(value, Long.class, "a whole number", path);
      if (number != (int) number) {
        throw new MalformedMessageException(path + " is out of its range");
      }
      return (int) number;
    }
    if (target == Bytes.class) {
      return new Bytes(base64(value, path));
    }
    if (target == SecretBytes.class) {
      return new SecretBytes(base64(value, path));
    }
    if (target.isEnum()) {
      return constant(is(value, String.class, "text", path), target, path);
    }
    Map<?, ?> object = is(value, Map.class, "an object", path);
    return target == Document.class ? document(object, path) : fromTree(object, target, path);
  }

  private static Object container(Object value, ParameterizedType type, String path)
      throws MalformedMessageException {
    Type[] arguments = type.getActualTypeArguments();
    if (type.getRawType() == Optional.class) {
      return Optional.of(convert(value, arguments[0], path));
    }
    if (type.getRawType() == List.class) {
      List<?> items = is(value, List.class, "a list", path);
      List<Object> converted = new ArrayList<>(items.size());
      for (Object item : items) {
        converted.add(convert(item, arguments[0], path + "[" + converted.size() + "]"));
      }
      return List.copyOf(converted);
    }
    throw new IllegalStateException("no way to read " + type);
  }

  private static Document document(Map<?, ?> object, String path) throws MalformedMessageException {
    try {
      return new Document(Trees.copy(object));
    } catch (IllegalArgumentException e) {
      throw new MalformedMessageException(path + " is nested too deeply");
    }
  }

  private static <T> T is(Object value, Class<T> type, String what, String path)
      throws MalformedMessageException {
    if (!type.isInstance(value)) {
      throw new MalformedMessageException(path + " must be " + what);
    }
    return type.cast(value);
  }

  private static byte[] base64(Object value, String path) throws MalformedMessageException {
    try {
      return Base64.getDecoder().decode(is(value, String.class, "text", path));
    } catch (IllegalArgumentException e) {
      throw new MalformedMessageException(path + " must be base64");
    }
  }

  private static Object constant(String name, Class<?> type, String path)
      throws MalformedMessageException {
    for (Object constant : type.getEnumConstants()) {
      if (label((Enum<?>) constant).equals(name)) {
        return constant;
      }
    }
    throw new MalformedMessageException(path + " is none of the words it can be");
  }

  /** The name of a constant as the resources spell it. */
  private static String label(Enum<?> constant) {
    try {
      return constant
          .getDeclaringClass()
          .getField(constant.name())
          .getAnnotation(JsonProperty.class)
          .value();
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException(e);
    }
  }
}
