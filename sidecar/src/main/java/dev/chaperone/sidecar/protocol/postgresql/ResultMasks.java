package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.ByteOutput;
import dev.chaperone.policy.masking.KeyedHash;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskKey;
import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.masking.TextDetectors;
import dev.chaperone.policy.masking.ValueMask;
import dev.chaperone.policy.masking.ValueType;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.ProtectedColumns;
import io.netty.buffer.ByteBuf;
import java.util.Optional;

/**
 * Masks what the target sends to one client: rows, lines of COPY, messages, names. Holds what masks
 * of one client share: the keyed hash, the detectors, the buffers.
 *
 * <p>Used by one event loop.
 */
final class ResultMasks {
  private static final int BUFFER_BYTES = 1024;

  /** A larger buffer is let go after use. */
  private static final int MAX_KEPT_BYTES = 1 << 20;

  private final MaskKey key;
  private KeyedHash hash;
  private Masks detectorsOf = Masks.NONE;
  private Catalog detectorsFor;
  private TextDetectors detectors;
  private ByteOutput out = new ByteOutput(BUFFER_BYTES);
  private byte[] row = new byte[BUFFER_BYTES];

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
    int masked = 0;
    for (int i = 0; i < layout.columns(); i++) {
      RowMask.Column column = RowMask.Column.FREE;
      boolean shows = protectedColumns.protects(layout.table(i));
      if (shows && layout.number(i) == 0) {
        return Optional.of(refusal("a whole row with masked columns"));
      }
      Mask mask = shows ? protectedColumns.mask(layout.table(i), layout.number(i)) : null;
      ValueType type = type(layout.type(i), catalog);
      boolean binary = layout.isBinary(i);
      if (mask != null) {
        masked++;
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
            : new RowMask(columns, scan ? detectors(plan.masks(), catalog) : null, out));
    return Optional.empty();
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
   * Masks a row.
   *
   * @param to takes the whole message
   * @return how many values were replaced
   */
  int row(RowMask mask, ByteBuf buffer, int start, int length, ByteBuf to) {
    take(buffer, start, length);
    int masked = mask.write(row, length, to);
    release();
    return masked;
  }

  /**
   * Masks a line of COPY in text format.
   *
   * @param to takes the whole message
   * @return whether anything was replaced
   */
  boolean copyLine(
      ResultPlan plan, Catalog catalog, ByteBuf buffer, int start, int length, ByteBuf to) {
    take(buffer, start, length);
    out.clear();
    boolean masked = detectors(plan.masks(), catalog).maskLine(row, 0, length, true, out);
    to.writeByte(BackendMessage.COPY_DATA);
    to.writeInt((masked ? out.length() : length) + Integer.BYTES);
    to.writeBytes(masked ? out.array() : row, 0, masked ? out.length() : length);
    release();
    return masked;
  }

  /**
   * Masks a text that is no value: a message, a name, a setting.
   *
   * @param to takes the text where something was replaced; else nothing is written
   * @return whether something was
   */
  boolean line(Masks masks, Catalog catalog, ByteBuf buffer, int start, int length, ByteBuf to) {
    if (masks.detectors().isEmpty()) {
      return false;
    }
    take(buffer, start, length);
    out.clear();
    boolean masked = detectors(masks, catalog).maskLine(row, 0, length, false, out);
    if (masked) {
      to.writeBytes(out.array(), 0, out.length());
    }
    release();
    return masked;
  }

  private void take(ByteBuf buffer, int start, int length) {
    if (row.length < length) {
      row = new byte[Math.max(length, Math.min(2 * row.length, MAX_KEPT_BYTES))];
    }
    buffer.getBytes(start, row, 0, length);
  }

  private void release() {
    if (row.length > MAX_KEPT_BYTES) {
      row = new byte[BUFFER_BYTES];
    }
  }
}
