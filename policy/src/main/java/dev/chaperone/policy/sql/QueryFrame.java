package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.Mask;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What names mean at one level of a query: its row sources, and those of the queries around it. */
final class QueryFrame {
  /** Columns every table has; src/backend/catalog/heap.c. */
  private static final Set<String> SYSTEM_COLUMNS =
      Set.of("tableoid", "ctid", "xmin", "xmax", "cmin", "cmax");

  /** What a name turned out to be. */
  enum Meaning {
    /** Nothing that is protected. */
    PLAIN,
    /** A column that is protected. */
    PROTECTED,
    /** A whole row with protected columns. */
    WHOLE_ROW,
    /** No column that is known. */
    UNKNOWN
  }

  /**
   * What a name means, and the mask of what it means.
   *
   * @param column the column that is meant, or null
   * @param row the row that is meant as a whole, or null
   */
  record Reference(Meaning meaning, Mask mask, ResultColumn column, RowSource row) {
    static final Reference PLAIN = new Reference(Meaning.PLAIN, null, null, null);
    static final Reference UNKNOWN =
        new Reference(Meaning.UNKNOWN, null, ResultColumn.UNKNOWN, null);

    /** A column of which nothing is known. */
    static final Reference OPEN = new Reference(Meaning.PLAIN, null, ResultColumn.UNKNOWN, null);

    static Reference of(ResultColumn column) {
      return new Reference(
          column.isProtected() ? Meaning.PROTECTED : Meaning.PLAIN, column.mask(), column, null);
    }

    /** A whole row. */
    static Reference of(RowSource row) {
      Mask mask = row.mask();
      return new Reference(mask == null ? Meaning.PLAIN : Meaning.WHOLE_ROW, mask, null, row);
    }

    /** Where its values come from. */
    Lineage lineage() {
      if (column != null) {
        return column.lineage();
      }
      return row == null ? Lineage.NOTHING : row.lineage();
    }
  }

  private final QueryFrame outer;
  private final List<RowSource> sources = new ArrayList<>();
  private Map<String, List<ResultColumn>> queryNames = Map.of();

  QueryFrame(QueryFrame outer) {
    this.outer = outer;
  }

  List<RowSource> sources() {
    return sources;
  }

  void add(RowSource source) {
    sources.add(source);
  }

  /** Names a query of WITH. */
  void define(String name, List<ResultColumn> columns) {
    if (queryNames.isEmpty()) {
      queryNames = new HashMap<>();
    }
    queryNames.put(name, columns);
  }

  /** The columns of a query of WITH, or null where there is none of that name. */
  List<ResultColumn> queryName(String name) {
    for (QueryFrame frame = this; frame != null; frame = frame.outer) {
      List<ResultColumn> columns = frame.queryNames.get(name);
      if (columns != null) {
        return columns;
      }
    }
    return null;
  }

  /** What a name, qualified or not, means as a value. */
  Reference resolve(List<String> chain) {
    return switch (chain.size()) {
      case 1 -> column(chain.get(0));
      case 2 -> qualified(source(chain.get(0)), chain.get(1));
      case 3 -> qualified(relation(chain.get(0) + "." + chain.get(1)), chain.get(2));
      default -> Reference.UNKNOWN;
    };
  }

  private Reference column(String name) {
    boolean open = false;
    for (QueryFrame frame = this; frame != null; frame = frame.outer) {
      ResultColumn known = null;
      for (RowSource source : frame.sources) {
        ResultColumn column = source.column(name);
        if (column != null && column.isProtected()) {
          return Reference.of(column);
        }
        known = column != null ? column : known;
        open |= source.isOpen();
      }
      if (known != null) {
        return Reference.of(known);
      }
    }
    RowSource row = source(name);
    if (row != null) {
      return Reference.of(row);
    }
    return open
        ? Reference.OPEN
        : SYSTEM_COLUMNS.contains(name) ? Reference.PLAIN : Reference.UNKNOWN;
  }

  private static Reference qualified(RowSource source, String name) {
    if (source == null) {
      return Reference.UNKNOWN;
    }
    ResultColumn column = source.column(name);
    if (column != null) {
      return Reference.of(column);
    }
    // t.f may call f with the whole row.
    return SYSTEM_COLUMNS.contains(name) ? Reference.PLAIN : Reference.of(source);
  }

  /** The source that a query names so, or null. */
  RowSource source(String alias) {
    for (QueryFrame frame = this; frame != null; frame = frame.outer) {
      RowSource found = null;
      for (RowSource source : frame.sources) {
        if (alias.equals(source.alias()) && (found == null || source.isProtected())) {
          found = source;
        }
      }
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  /** The relation without an alias of that name, or null. */
  RowSource relation(String resource) {
    for (QueryFrame frame = this; frame != null; frame = frame.outer) {
      for (RowSource source : frame.sources) {
        if (resource.equals(source.resource())) {
          return source;
        }
      }
    }
    return null;
  }

  /** Whether a row source here or around is protected. */
  boolean isProtected() {
    for (QueryFrame frame = this; frame != null; frame = frame.outer) {
      if (frame.sources.stream().anyMatch(RowSource::isProtected)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a protected column of that name can be meant here or around. */
  boolean protectsColumn(String name) {
    for (QueryFrame frame = this; frame != null; frame = frame.outer) {
      for (RowSource source : frame.sources) {
        ResultColumn column = source.column(name);
        if (column != null && column.isProtected()) {
          return true;
        }
      }
    }
    return false;
  }
}
