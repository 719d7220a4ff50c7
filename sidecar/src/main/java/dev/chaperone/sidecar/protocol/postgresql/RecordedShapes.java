package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.recording.Columns;
import dev.chaperone.recording.MaskFunction;
import dev.chaperone.recording.MasksInForce;
import dev.chaperone.recording.Repeated;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Writes for the recording what the columns of a result were masked by. A client mostly gets the
 * same few results again and again; the last ones are kept. Used by one event loop.
 */
final class RecordedShapes {
  private static final int KEPT = 8;
  private static final int MAX_KEPT_BYTES = 4 << 10;

  private record Kept(
      RowLayout layout,
      Repeated<MasksInForce> masks,
      List<Mask> applied,
      Repeated<Columns> columns) {}

  private final Kept[] kept = new Kept[KEPT];
  private int next;

  /**
   * The columns of a result.
   *
   * @param applied what the values of each column are replaced by; null for those that are not
   * @param looked what rows are masked by, a column each; null where nothing is looked at
   */
  @SuppressWarnings("ReferenceEquality") // Masks are replaced as a whole.
  Repeated<Columns> of(
      RowLayout layout,
      Repeated<MasksInForce> masks,
      Mask[] applied,
      RowMask.Column[] looked,
      Catalog catalog) {
    // The same description may be of an expression that is replaced, and of one that is not.
    List<Mask> replaced = applied == null ? List.of() : Arrays.asList(applied);
    for (Kept one : kept) {
      if (one != null
          && one.masks() == masks
          && one.applied().equals(replaced)
          && one.layout().isDescribedAs(layout)) {
        return one.columns();
      }
    }
    Repeated<Columns> columns = Repeated.of(columns(layout, masks, applied, looked, catalog));
    if (layout.descriptionBytes() <= MAX_KEPT_BYTES) {
      kept[next] = new Kept(layout, masks, replaced, columns);
      next = (next + 1) % KEPT;
    }
    return columns;
  }

  private static Columns columns(
      RowLayout layout,
      Repeated<MasksInForce> masks,
      Mask[] applied,
      RowMask.Column[] looked,
      Catalog catalog) {
    List<String> names = layout.names();
    List<Columns.Column> columns = new ArrayList<>(names.size());
    for (int i = 0; i < names.size(); i++) {
      long table = layout.table(i);
      columns.add(
          Columns.Column.of(
              names.get(i),
              Integer.toUnsignedLong(layout.type(i)),
              new Columns.Origin(
                  table,
                  layout.number(i) & 0xffff,
                  table == 0 ? "" : catalog.columnName(table, layout.number(i)),
                  applied == null || applied[i] == null
                      ? MaskFunction.NONE
                      : RecordedMasks.function(applied[i]),
                  looked != null && looked[i].scanned())));
    }
    return new Columns(columns, 0, Optional.of(masks));
  }
}
