package dev.chaperone.control.channel;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Plain values: maps with text as keys, lists, text, whole numbers and booleans. */
final class Trees {
  private static final int MAX_NESTING = 50;

  private Trees() {}

  /** A deep copy that cannot be changed, in the same order; a null field is no field. */
  static Map<String, Object> copy(Map<?, ?> map) {
    return copy(map, 0);
  }

  private static Map<String, Object> copy(Map<?, ?> map, int depth) {
    Map<String, Object> copy = new LinkedHashMap<>();
    map.forEach(
        (key, value) -> {
          if (value != null) {
            copy.put((String) key, value(value, depth + 1));
          }
        });
    return Collections.unmodifiableMap(copy);
  }

  private static Object value(Object value, int depth) {
    if (depth > MAX_NESTING) {
      throw new IllegalArgumentException("nested too deeply");
    }
    if (value instanceof Map<?, ?> map) {
      return copy(map, depth);
    }
    if (value instanceof List<?> list) {
      List<Object> items = new ArrayList<>(list.size());
      for (Object item : list) {
        if (item == null) {
          throw new IllegalArgumentException("a list holds null");
        }
        items.add(value(item, depth + 1));
      }
      return Collections.unmodifiableList(items);
    }
    if (value instanceof String || value instanceof Long || value instanceof Boolean) {
      return value;
    }
    throw new IllegalArgumentException("not a plain value: " + value.getClass().getSimpleName());
  }
}
