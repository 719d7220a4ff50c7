package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.KeyedHash;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskKey;
import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.masking.TextDetectors;
import dev.chaperone.policy.masking.ValueMask;
import dev.chaperone.policy.masking.ValueType;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.Masking;
import dev.chaperone.policy.sql.ProtectedColumns;
import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.Optional;

/**
 * Masks what the target sends to one client: rows, lines of COPY, messages, names. Holds what masks
 * of one client share: the keyed hash and the detectors.
 *
 * <p>Used by one event loop.
 */
final class ResultMasks {
  private final MaskKey key;
  private final RecordedShapes shapes = new RecordedShapes();
  private KeyedHash hash;
  private Masks detectorsOf = Masks.NONE;
  private Catalog detectorsFor;
  private TextDetectors detectors;

  ResultMasks(MaskKey key) {
    this.key = key;
  }

  /** What the client is told of a result that is not as it was foreseen. */
  static ErrorReply refusal(String what) {
    return ErrorReply.error(
        SqlState.INSUFFICIENT_PRIVILEGE,
        "the result is withheld: it has " + what,
        "Name the columns one by one, and if a table or view has just changed, try again in a"
            + " moment.");
  }

  /**
   * Looks at the columns of a result and makes what its rows are masked by.
   *
   * @param catalog the target's, for the types of its users
   * @return what is not as it was foreseen; then nothing of the result may be shown
   */
  Optional<ErrorReply> describe(ResultGuard guard, RowLayout layout, Catalog catalog) {
    ResultPlan plan = guard.plan();
    ProtectedColumns protectedColumns = plan.columns();
    boolean scan = !plan.masks().detectors().isEmpty();
    RowMask.Column[] columns = null;
    Mask[] applied = null;
    int masked = 0;
    Optional<List<Masking.Output>> outputs = guard.outputs();
    if (outputs.isEmpty() || !(outputs.get().isEmpty() || fits(outputs.get(), layout, plan))) {
      return Optional.of(refusal("other columns than were foreseen"));
    }
    for (int i = 0; i < layout.columns(); i++) {
      RowMask.Column column = RowMask.Column.FREE;
      boolean shows = protectedColumns.protects(layout.table(i));
      if (shows && layout.number(i) == 0) {
        return Optional.of(refusal("a whole row with masked columns"));
      }
      ValueType type = type(layout.type(i), catalog);
      Mask mask = shows ? protectedColumns.mask(layout.table(i), layout.number(i)) : null;
      if (!outputs.get().isEmpty() && outputs.get().get(i) == Masking.Output.DERIVED) {
        mask = derived(type);
      }
      boolean binary = layout.isBinary(i);
      if (mask != null) {
        masked++;
        applied = applied == null ? new Mask[layout.columns()] : applied;
        applied[i] = mask;
        column = new RowMask.Column(ValueMask.of(mask, type, binary, hash()), type, binary, false);
      } else if (scan && type.mayHoldText()) {
        column = new RowMask.Column(null, type, binary, true);
      }
      if (!column.isFree() && columns == null) {
        columns = new RowMask.Column[layout.columns()];
        java.util.Arrays.fill(columns, RowMask.Column.FREE);
      }
      if (columns != null) {
        columns[i] = column;
      }
    }
    if (!guard.foresees(masked)) {
      return Optional.of(refusal("other columns than were foreseen"));
    }
    guard.described(
        columns == null
            ? null
            : new RowMask(columns, scan ? detectors(plan.masks(), catalog) : null, hash()),
        shapes.of(layout, plan.recorded(), applied, columns, catalog));
    return Optional.empty();
  }

  /** Whether each column is what it was found to be when the statement was judged. */
  private static boolean fits(List<Masking.Output> outputs, RowLayout layout, ResultPlan plan) {
    if (outputs.size() != layout.columns()) {
      return false;
    }
    for (int i = 0; i < outputs.size(); i++) {
      boolean isProtected = plan.columns().mask(layout.table(i), layout.number(i)) != null;
      boolean fits =
          switch (outputs.get(i)) {
            case FREE -> !isProtected;
            case PROTECTED -> isProtected;
            // The target names no table for an expression.
            case DERIVED -> layout.table(i) == 0 && layout.number(i) == 0;
          };
      if (!fits) {
        return false;
      }
    }
    return true;
  }

  /** What is made with a masked value is replaced by what says nothing of it, whatever its mask. */
  private static Mask derived(ValueType type) {
    return switch (type) {
      case TEXT, JSON, JSONB -> Mask.REDACT;
      default -> Mask.NULL;
    };
  }

  private static ValueType type(int oid, Catalog catalog) {
    return ValueType.isUserDefined(oid) && catalog.isTextType(Integer.toUnsignedLong(oid))
        ? ValueType.TEXT
        : ValueType.of(oid);
  }

  private KeyedHash hash() {
    if (hash == null) {
      hash = key.newHash();
    }
    return hash;
  }

  /** The detectors of these masks. */
  private TextDetectors detectors(Masks masks, Catalog catalog) {
    if (detectors == null || detectorsFor != catalog || !detectorsOf.equals(masks)) {
      detectorsOf = masks;
      detectorsFor = catalog;
      detectors = new TextDetectors(masks.detectors(), oid -> type(oid, catalog), hash());
    }
    return detectors;
  }

  /**
   * Masks rows.
   *
   * @param buffer holds whole DataRow messages from {@code start}
   * @param length bytes of these messages
   * @param to takes the messages to pass on; untouched where a row is malformed
   * @return how many values were replaced
   */
  int rows(RowMask mask, ByteBuf buffer, int start, int length, ByteBuf to) {
    MaskRoom room = MaskRoom.current();
    try {
      room.take(buffer, start, length);
      int masked = mask.write(room);
      to.writeBytes(room.out().array(), 0, room.out().length());
      return masked;
    } finally {
      room.clear();
    }
  }

  /**
   * Masks a line of COPY in text format.
   *
   * @param to takes the whole message
   * @return whether anything was replaced
   */
  boolean copyLine(
      ResultPlan plan, Catalog catalog, ByteBuf buffer, int start, int length, ByteBuf to) {
    to.writeByte(BackendMessage.COPY_DATA);
    int lengthAt = to.writerIndex();
    to.writeInt(length + Integer.BYTES);
    boolean masked = text(detectors(plan.masks(), catalog), true, buffer, start, length, to);
    if (masked) {
      to.setInt(lengthAt, to.writerIndex() - lengthAt);
    } else {
      to.writeBytes(buffer, start, length);
    }
    return masked;
  }

  /**
   * Masks a text that is no value: a message, a name, a setting.
   *
   * @param to takes the text where something was replaced; else nothing is written
   * @return whether something was
   */
  boolean line(Masks masks, Catalog catalog, ByteBuf buffer, int start, int length, ByteBuf to) {
    return !masks.detectors().isEmpty()
        && text(detectors(masks, catalog), false, buffer, start, length, to);
  }

  private static boolean text(
      TextDetectors detectors, boolean escapes, ByteBuf buffer, int start, int length, ByteBuf to) {
    MaskRoom room = MaskRoom.current();
    try {
      room.take(buffer, start, length);
      boolean masked = detectors.maskLine(room.in(), 0, length, escapes, room.out());
      if (masked) {
        to.writeBytes(room.out().array(), 0, room.out().length());
      }
      return masked;
    } finally {
      room.clear();
    }
  }
}
