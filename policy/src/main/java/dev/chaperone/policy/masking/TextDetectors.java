package dev.chaperone.policy.masking;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * Replaces what detectors recognise inside values: the part that was recognised, and no more; the
 * rest of a JSON document, array or row stays valid. Under {@link Mask#NULL} the whole value goes.
 * So it does where a part cannot be replaced: in the binary format of a type whose form is not
 * known. Not thread-safe.
 */
public final class TextDetectors {

  /** What became of a value. */
  public enum Outcome {
    /** Nothing was recognised; nothing was written. */
    UNCHANGED,
    /** The value was written with its parts replaced. */
    REPLACED,
    /** There is no value any more (NULL). */
    REMOVED
  }

  /** Arrays in rows in arrays: deeper ones are taken for values of unknown form. */
  private static final int MAX_NESTING = 8;

  private final DetectorScan scan;
  private final IntFunction<ValueType> types;
  private final Map<Mask, ValueMask> replacements = new EnumMap<>(Mask.class);

  /**
   * Detectors for one session.
   *
   * @param types the types of what arrays and rows hold, by number; {@link ValueType#of} and what
   *     is known of the users' own
   */
  public TextDetectors(
      Map<Detector, Mask> detectors, IntFunction<ValueType> types, KeyedHash hash) {
    this.scan = new DetectorScan(detectors);
    this.types = types;
    for (Mask mask : Mask.values()) {
      replacements.put(mask, ValueMask.of(mask, ValueType.TEXT, false, hash));
    }
  }

  /**
   * Looks into a value.
   *
   * @param length bytes of the value; not NULL
   * @param out takes the value with its parts replaced, behind what it holds
   */
  public Outcome mask(
      byte[] value, int offset, int length, ValueType type, boolean binary, ByteOutput out) {
    return mask(value, offset, length, type, binary, out, 0);
  }

  private Outcome mask(
      byte[] value,
      int offset,
      int length,
      ValueType type,
      boolean binary,
      ByteOutput out,
      int depth) {
    switch (type) {
      case TEXT, XML -> {
        return text(value, offset, length, false, out);
      }
      case JSON -> {
        return json(value, offset, length, out);
      }
      case JSONB -> {
        if (!binary) {
          return json(value, offset, length, out);
        }
        if (length < 1) {
          return Outcome.UNCHANGED;
        }
        int start = out.length();
        out.put(value[offset]);
        Outcome outcome = json(value, offset + 1, length - 1, out);
        if (outcome != Outcome.REPLACED) {
          out.truncate(start);
        }
        return outcome;
      }
      case ARRAY -> {
        return binary
            ? BinaryContainer.array(value, offset, length, out, nested(depth))
            : text(value, offset, length, true, out);
      }
      case RECORD -> {
        return binary
            ? BinaryContainer.row(value, offset, length, out, nested(depth))
            : text(value, offset, length, true, out);
      }
      case OTHER -> {
        return binary ? found(value, offset, length) : text(value, offset, length, true, out);
      }
      default -> {
        return Outcome.UNCHANGED;
      }
    }
  }

  private BinaryContainer.Elements nested(int depth) {
    return (typeOid, value, offset, length, out) ->
        mask(
            value,
            offset,
            length,
            depth >= MAX_NESTING ? ValueType.OTHER : types.apply(typeOid),
            true,
            out,
            depth + 1);
  }

  private Outcome found(byte[] value, int offset, int length) {
    return scan.find(value, offset, length, false).size() == 0
        ? Outcome.UNCHANGED
        : Outcome.REMOVED;
  }

  private Outcome text(byte[] value, int offset, int length, boolean escapes, ByteOutput out) {
    Spans spans = scan.find(value, offset, length, escapes);
    if (spans.size() == 0) {
      return Outcome.UNCHANGED;
    }
    if (spans.hasNull()) {
      return Outcome.REMOVED;
    }
    replace(value, offset, length, spans, out);
    return Outcome.REPLACED;
  }

  /**
   * Replaces parts of a text that is no value and so cannot be removed: a line, a message.
   *
   * @param escapes whether a backslash and what follows stand for something else
   * @return whether anything was recognised; if not, nothing was written
   */
  public boolean maskLine(byte[] text, int offset, int length, boolean escapes, ByteOutput out) {
    Spans spans = scan.find(text, offset, length, escapes);
    if (spans.size() == 0) {
      return false;
    }
    replace(text, offset, length, spans, out);
    return true;
  }

  private void replace(byte[] value, int offset, int length, Spans spans, ByteOutput out) {
    int at = offset;
    for (int i = 0; i < spans.size(); i++) {
      out.put(value, at, spans.start(i) - at);
      replacement(value, spans, i, out);
      at = spans.end(i);
    }
    out.put(value, at, offset + length - at);
  }

  private void replacement(byte[] value, Spans spans, int index, ByteOutput out) {
    int start = spans.start(index);
    if (!replacements.get(spans.mask(index)).write(value, start, spans.end(index) - start, out)) {
      RedactingMask.writeText(out);
    }
  }

  /** As text, but what is recognised outside of a string is a number: a string takes its place. */
  private Outcome json(byte[] value, int offset, int length, ByteOutput out) {
    Spans spans = scan.find(value, offset, length, true);
    if (spans.size() == 0) {
      return Outcome.UNCHANGED;
    }
    if (spans.hasNull()) {
      return Outcome.REMOVED;
    }
    int end = offset + length;
    int at = offset;
    boolean inString = false;
    for (int i = 0; i < spans.size(); i++) {
      if (spans.start(i) < at) {
        // Swallowed with the number before.
        continue;
      }
      int walked = at;
      while (walked < spans.start(i)) {
        if (value[walked] == '\\') {
          walked++;
        } else if (value[walked] == '"') {
          inString = !inString;
        }
        walked++;
      }
      if (inString) {
        out.put(value, at, spans.start(i) - at);
        replacement(value, spans, i, out);
        at = spans.end(i);
      } else {
        int from = spans.start(i);
        while (from > at && isNumberPart(value[from - 1])) {
          from--;
        }
        out.put(value, at, from - at).put('"');
        replacement(value, spans, i, out);
        out.put('"');
        at = spans.end(i);
        while (at < end && isNumberPart(value[at])) {
          at++;
        }
      }
    }
    out.put(value, at, end - at);
    return Outcome.REPLACED;
  }

  private static boolean isNumberPart(byte b) {
    return Characters.isDigit(b) || b == '.' || b == '-' || b == '+' || b == 'e' || b == 'E';
  }
}
