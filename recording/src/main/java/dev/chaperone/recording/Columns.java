package dev.chaperone.recording;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The columns of a result.
 *
 * @param columns at most {@link #MAX_COLUMNS}; under masks all of them, at most {@link
 *     #MAX_COLUMNS_UNDER_MASKS}
 * @param omitted how many more there were
 * @param masks what they were masked by; empty where nothing was
 */
public record Columns(List<Column> columns, int omitted, Optional<Repeated<MasksInForce>> masks) {
  /** Columns that are kept at most. */
  public static final int MAX_COLUMNS = 256;

  /** Columns that are kept at most of a result under masks; a server sends at most 1,664. */
  public static final int MAX_COLUMNS_UNDER_MASKS = 2_048;

  /** A result without columns. */
  public static final Repeated<Columns> NONE = Repeated.of(new Columns(List.of(), 0));

  public Columns {
    int most = masks.isPresent() ? MAX_COLUMNS_UNDER_MASKS : MAX_COLUMNS;
    omitted += Math.max(0, columns.size() - most);
    columns = List.copyOf(columns.subList(0, Math.min(most, columns.size())));
  }

  /** Columns of a result that was not masked. */
  public Columns(List<Column> columns, int omitted) {
    this(columns, omitted, Optional.empty());
  }

  /**
   * One column.
   *
   * @param name as the agent was told
   * @param type the oid of its type; 0 where it is not known
   * @param masked whether its values are masked
   * @param origin where its values come from and what became of them; under masks alone
   */
  public record Column(String name, long type, boolean masked, Optional<Origin> origin) {
    public Column {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(origin, "origin");
    }

    /** A column of a result that was not masked. */
    public Column(String name, long type, boolean masked) {
      this(name, type, masked, Optional.empty());
    }

    /** A column of a result under masks. */
    public static Column of(String name, long type, Origin origin) {
      return new Column(name, type, origin.function() != MaskFunction.NONE, Optional.of(origin));
    }
  }

  /**
   * Where the values of a column come from, as the target says, and what became of them.
   *
   * @param table the relation's number in the target; 0 where it is an expression
   * @param number the column's number there, as unsigned 16 bits; 0 for an expression or a whole
   *     row
   * @param name {@code schema.table.column}; empty for an expression
   * @param function what replaced every value
   * @param searched whether detectors looked into every value
   */
  public record Origin(
      long table, int number, String name, MaskFunction function, boolean searched) {
    public Origin {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(function, "function");
    }
  }
}
