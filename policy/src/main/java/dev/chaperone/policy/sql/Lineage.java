package dev.chaperone.policy.sql;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Where the values of a column come from, as far as its statement shows. Immutable, and equal only
 * to itself: columns share what they come from, so that few objects may stand for a very large
 * tree.
 */
public final class Lineage {

  /** What values come from. */
  public enum Kind {
    /** A column of a table or view. */
    COLUMN,
    /** A column of a query inside of the statement. */
    QUERY,
    /** An expression, or a set operation. */
    COMPUTED,
    /** Nobody knows: what a function in FROM returns, or what is too deep to be followed. */
    UNKNOWN
  }

  /** Nothing is known. */
  static final Lineage UNKNOWN = new Lineage(Kind.UNKNOWN, "", 0, 0, List.of());

  /** What no column is in. */
  static final Lineage NOTHING = new Lineage(Kind.COMPUTED, "expression", 0, 0, List.of());

  /** A chain that is longer is not followed. */
  private static final int MAX_DEPTH = 256;

  private final Kind kind;
  private final String label;
  private final long relation;
  private final int number;
  private final List<Lineage> from;
  private final int depth;

  private Lineage(Kind kind, String label, long relation, int number, List<Lineage> from) {
    this.kind = kind;
    this.label = label;
    this.relation = relation;
    this.number = number;
    this.from = from;
    this.depth = 1 + from.stream().mapToInt(one -> one.depth).max().orElse(0);
  }

  /**
   * A column of a relation.
   *
   * @param resource {@code schema.name} of the relation
   */
  static Lineage column(long relation, int number, String resource, String column) {
    return new Lineage(Kind.COLUMN, resource + "." + column, relation, number, List.of());
  }

  /** A column of a query inside of the statement; its name may be null. */
  static Lineage query(String query, String column, Lineage from) {
    String label = column == null ? query : query + ", column " + column;
    return bounded(new Lineage(Kind.QUERY, label, 0, 0, List.of(from)));
  }

  /** What is made of columns; of none, where it is a constant. */
  static Lineage computed(String how, Collection<Lineage> from) {
    Set<Lineage> distinct = new LinkedHashSet<>(from);
    distinct.remove(NOTHING);
    return distinct.isEmpty()
        ? NOTHING
        : bounded(new Lineage(Kind.COMPUTED, how, 0, 0, List.copyOf(distinct)));
  }

  /** Values of either: of a set operation, of the rows of VALUES. */
  @SuppressWarnings("ReferenceEquality") // Equal only to itself.
  static Lineage either(String how, Lineage one, Lineage other) {
    if (one == other || other == NOTHING) {
      return one;
    }
    return one == NOTHING ? other : computed(how, List.of(one, other));
  }

  private static Lineage bounded(Lineage lineage) {
    return lineage.depth > MAX_DEPTH ? UNKNOWN : lineage;
  }

  public Kind kind() {
    return kind;
  }

  /** In words: {@code schema.table.column}, the name of a query, what is done. */
  public String label() {
    return label;
  }

  /** The relation of a {@link Kind#COLUMN}, by number; else 0. */
  public long relation() {
    return relation;
  }

  /** The number in its relation of a {@link Kind#COLUMN}; else 0. */
  public int number() {
    return number;
  }

  /** What it comes from; nothing for a column of a relation. */
  public List<Lineage> from() {
    return from;
  }

  /** All columns of relations that it comes from, each once; or empty where one is not known. */
  Optional<List<Lineage>> columns() {
    Set<Lineage> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Lineage> columns = new ArrayList<>();
    return collect(seen, columns) ? Optional.of(columns) : Optional.empty();
  }

  private boolean collect(Set<Lineage> seen, List<Lineage> columns) {
    if (!seen.add(this)) {
      return true;
    }
    if (kind == Kind.COLUMN) {
      columns.add(this);
    }
    for (Lineage one : from) {
      if (!one.collect(seen, columns)) {
        return false;
      }
    }
    return kind != Kind.UNKNOWN;
  }

  @Override
  public String toString() {
    return kind + " " + label;
  }
}
