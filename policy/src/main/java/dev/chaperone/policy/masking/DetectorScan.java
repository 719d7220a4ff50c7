package dev.chaperone.policy.masking;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Finds what detectors recognise in text, in one pass whose time grows with the length of the text
 * alone. Not thread-safe.
 */
final class DetectorScan {
  /** Nothing that is recognised is shorter. */
  private static final int MIN_BYTES = 6;

  private record Active(Matcher matcher, Mask mask) {}

  private final List<Active> active = new ArrayList<>();
  private final int[] triggers = new int[256];
  private final int[] follows = new int[256];
  private final int[] resume;
  private final Spans spans = new Spans();
  private byte[] readable = new byte[256];

  DetectorScan(Map<Detector, Mask> detectors) {
    for (Map.Entry<Detector, Mask> entry : detectors.entrySet()) {
      int bit = 1 << active.size();
      Matcher matcher = Matcher.of(entry.getKey());
      for (int b = 0; b < triggers.length; b++) {
        triggers[b] |= matcher.triggers((byte) b) ? bit : 0;
        follows[b] |= matcher.follows((byte) b) ? bit : 0;
      }
      active.add(new Active(matcher, fit(entry.getKey(), entry.getValue())));
    }
    resume = new int[active.size()];
  }

  /** What is left of a key, or has its form, may still be of use: it is redacted. */
  private static Mask fit(Detector detector, Mask mask) {
    return detector == Detector.PRIVATE_KEY && mask.compareTo(Mask.HASH) < 0 ? Mask.REDACT : mask;
  }

  /**
   * Finds the parts of a text that are recognised.
   *
   * @param escapes whether a backslash and what follows stand for something else, as in JSON
   * @return the parts, valid until the next call
   */
  Spans find(byte[] text, int offset, int length, boolean escapes) {
    spans.clear();
    if (length < MIN_BYTES) {
      return spans;
    }
    if (escapes && hasBackslash(text, offset, length)) {
      findEscaped(text, offset, length);
    } else {
      findPlain(text, offset, offset + length);
    }
    spans.settle();
    return spans;
  }

  private void findPlain(byte[] text, int from, int to) {
    Arrays.fill(resume, from);
    int before = 0;
    for (int at = from; at < to; at++) {
      int b = text[at] & 0xff;
      int candidates = triggers[b] & follows[before];
      before = b;
      while (candidates != 0) {
        int index = Integer.numberOfTrailingZeros(candidates);
        candidates &= candidates - 1;
        if (at < resume[index]) {
          continue;
        }
        long span = active.get(index).matcher().match(text, from, at, to);
        if (span != Matcher.NONE) {
          resume[index] = Matcher.end(span);
          spans.add(span, active.get(index).mask());
        }
      }
    }
  }

  /**
   * Looks at a copy in which blanks stand for escapes: neither part of a value nor its neighbour.
   */
  private void findEscaped(byte[] text, int offset, int length) {
    int end = offset + length;
    if (readable.length < end) {
      readable = new byte[Math.max(end, readable.length * 2)];
    }
    for (int i = offset; i < end; i++) {
      if (text[i] != '\\') {
        readable[i] = text[i];
        continue;
      }
      int escape = isUnicodeEscape(text, i, end) ? 6 : Math.min(end - i, 2);
      Arrays.fill(readable, i, i + escape, (byte) ' ');
      i += escape - 1;
    }
    findPlain(readable, offset, end);
    Arrays.fill(readable, offset, end, (byte) 0);
  }

  /** RFC 8259, section 7: four digits; with fewer it would hide what stands behind it. */
  private static boolean isUnicodeEscape(byte[] text, int backslash, int end) {
    if (end - backslash < 6 || text[backslash + 1] != 'u') {
      return false;
    }
    for (int i = backslash + 2; i < backslash + 6; i++) {
      if (Character.digit(text[i], 16) < 0) {
        return false;
      }
    }
    return true;
  }

  private static boolean hasBackslash(byte[] text, int offset, int length) {
    for (int i = offset; i < offset + length; i++) {
      if (text[i] == '\\') {
        return true;
      }
    }
    return false;
  }
}
