package dev.chaperone.policy.masking;

import dev.chaperone.policy.Glob;
import java.util.Objects;
import java.util.Optional;

/**
 * Names columns: {@code schema.table.column}, each part a glob. No part crosses a dot; a dot in a
 * name is matched by {@code ?}.
 */
public final class ColumnPattern {
  private final String source;
  private final Glob schema;
  private final Glob table;
  private final Glob column;
  private final String[] parts;

  private ColumnPattern(String source, String[] parts) {
    this.source = source;
    this.parts = parts;
    this.schema = Glob.resource(parts[0]);
    this.table = Glob.resource(parts[1]);
    this.column = Glob.resource(parts[2]);
  }

  /** The pattern, or empty where the text has not three parts. */
  public static Optional<ColumnPattern> parse(String text) {
    String[] parts = text.split("\\.", -1);
    if (parts.length != 3 || parts[0].isEmpty() || parts[1].isEmpty() || parts[2].isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(new ColumnPattern(text, parts));
  }

  /** Whether it may name columns of that table. */
  public boolean matchesTable(String schemaName, String tableName) {
    return schema.matches(schemaName) && table.matches(tableName);
  }

  /** Whether it names that column of a table that it {@link #matchesTable matches}. */
  public boolean matchesColumn(String columnName) {
    return column.matches(columnName);
  }

  /** The schema, where the pattern names exactly one. */
  public Optional<String> schema() {
    return isLiteral(parts[0]) ? Optional.of(parts[0]) : Optional.empty();
  }

  /** Whether it names no table in particular: any column of that name is meant. */
  public boolean isForAnyTable() {
    return parts[1].chars().allMatch(c -> c == '*');
  }

  private static boolean isLiteral(String part) {
    return part.indexOf('*') < 0 && part.indexOf('?') < 0;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ColumnPattern pattern && pattern.source.equals(source);
  }

  @Override
  public int hashCode() {
    return Objects.hash(source);
  }

  @Override
  public String toString() {
    return source;
  }
}
