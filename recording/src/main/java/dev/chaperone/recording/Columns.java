package dev.chaperone.recording;

import java.util.List;

/**
 * The columns of a result.
 *
 * @param columns at most {@link #MAX_COLUMNS}
 * @param omitted how many more there were
 */
public record Columns(List<Column> columns, int omitted) {
  /** Columns that are kept at most. */
  public static final int MAX_COLUMNS = 256;

  /** A result without columns. */
  public static final Repeated<Columns> NONE = Repeated.of(new Columns(List.of(), 0));

  public Columns {
    omitted += Math.max(0, columns.size() - MAX_COLUMNS);
    columns = List.copyOf(columns.subList(0, Math.min(MAX_COLUMNS, columns.size())));
  }

  /**
   * One column.
   *
   * @param name as the agent was told
   * @param type the oid of its type; 0 where it is not known
   * @param masked whether its values are masked
   */
  public record Column(String name, long type, boolean masked) {}
}
