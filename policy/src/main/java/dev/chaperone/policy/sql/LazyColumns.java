package dev.chaperone.policy.sql;

import java.util.AbstractList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The columns of a statement, found out when somebody asks: that takes the grammar, which takes
 * many times as long as everything else, and few rules ask. Thread-safe. Where they cannot be found
 * out, whoever asks for one gets an {@link UnknownColumnsException}.
 */
final class LazyColumns extends AbstractList<String> {
  private List<Supplier<Set<String>>> sources;
  private volatile List<String> columns;
  private boolean unknown;

  LazyColumns(List<Supplier<Set<String>>> sources) {
    this.sources = List.copyOf(sources);
  }

  @Override
  public String get(int index) {
    return columns().get(index);
  }

  @Override
  public int size() {
    return columns().size();
  }

  private Optional<List<String>> known() {
    try {
      return Optional.of(columns());
    } catch (UnknownColumnsException e) {
      return Optional.empty();
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LazyColumns that
        ? known().equals(that.known())
        : known().map(columns -> columns.equals(other)).orElse(false);
  }

  @Override
  public int hashCode() {
    return known().map(List::hashCode).orElse(0);
  }

  @Override
  public String toString() {
    return known().map(List::toString).orElse("not known");
  }

  private List<String> columns() {
    List<String> known = columns;
    return known != null ? known : find();
  }

  private synchronized List<String> find() {
    if (unknown) {
      throw new UnknownColumnsException();
    }
    if (columns == null) {
      Set<String> found = new LinkedHashSet<>();
      unknown = true;
      sources.forEach(source -> found.addAll(source.get()));
      unknown = false;
      columns = List.copyOf(found);
      sources = List.of();
    }
    return columns;
  }
}
