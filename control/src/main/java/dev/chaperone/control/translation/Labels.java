package dev.chaperone.control.translation;

import com.fasterxml.jackson.annotation.JsonProperty;

/** The names of constants as the resources spell them. */
final class Labels {
  private Labels() {}

  static String of(Enum<?> constant) {
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
