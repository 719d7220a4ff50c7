package dev.chaperone.control.resource;

import java.util.List;
import java.util.Map;

/** A parsed document of which every node knows where it stands. */
sealed interface Tree {

  /** Where this node begins. */
  Position position();

  /** Line and column, from 1. */
  record Position(int line, int column) {}

  /** A mapping, in the order of the document. */
  record Mapping(Position position, Map<String, Field> fields) implements Tree {
    /** The value of a field, or null where it is absent. */
    Tree get(String name) {
      Field field = fields.get(name);
      return field == null ? null : field.value();
    }
  }

  /** One field of a mapping. */
  record Field(Position position, Tree value) {}

  /** A sequence. */
  record Sequence(Position position, List<Tree> items) implements Tree {}

  /**
   * A scalar.
   *
   * @param value a {@link String}, {@link Long}, {@link Double}, {@link Boolean}, or null
   * @param text as written
   */
  record Scalar(Position position, Object value, String text) implements Tree {}
}
