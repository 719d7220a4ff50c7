package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.ProtectedColumns;
import java.util.List;
import java.util.function.Consumer;

/**
 * The masked columns of one target, bound anew whenever its catalog or the masks change. While the
 * masks stay the same, what they were once bound to stays masked. Thread-safe.
 */
final class MaskBinding {
  private record Bound(Masks masks, Catalog catalog, ProtectedColumns columns) {}

  private final Consumer<List<ProtectedColumns.Unresolved>> status;
  private volatile Bound bound = new Bound(Masks.NONE, null, ProtectedColumns.NONE);

  /**
   * A binding of nothing yet.
   *
   * @param status told which masks name no column, each time they are bound
   */
  MaskBinding(Consumer<List<ProtectedColumns.Unresolved>> status) {
    this.status = status;
  }

  /** The columns that these masks name in this catalog. */
  ProtectedColumns columns(Masks masks, Catalog catalog) {
    Bound known = bound;
    return known.catalog() == catalog && known.masks().equals(masks)
        ? known.columns()
        : bind(masks, catalog);
  }

  private synchronized ProtectedColumns bind(Masks masks, Catalog catalog) {
    Bound known = bound;
    boolean sameMasks = known.masks().equals(masks);
    if (known.catalog() == catalog && sameMasks) {
      return known.columns();
    }
    ProtectedColumns columns =
        ProtectedColumns.resolve(
            masks, catalog, sameMasks ? known.columns() : ProtectedColumns.NONE);
    bound = new Bound(masks, catalog, columns);
    status.accept(columns.unresolved());
    return columns;
  }
}
