package dev.chaperone.policy.masking;

import java.util.Arrays;

/**
 * Parts of a text and what replaces each; in order, without overlap once {@link #settle settled}.
 */
final class Spans {
  private long[] spans = new long[8];
  private Mask[] masks = new Mask[8];
  private int size;

  void clear() {
    size = 0;
  }

  int size() {
    return size;
  }

  int start(int index) {
    return Matcher.start(spans[index]);
  }

  int end(int index) {
    return Matcher.end(spans[index]);
  }

  Mask mask(int index) {
    return masks[index];
  }

  void add(long span, Mask mask) {
    if (size == spans.length) {
      spans = Arrays.copyOf(spans, size * 2);
      masks = Arrays.copyOf(masks, size * 2);
    }
    // Found in the order of what triggered them, which is nearly that of their starts.
    int at = size++;
    while (at > 0 && spans[at - 1] > span) {
      spans[at] = spans[at - 1];
      masks[at] = masks[at - 1];
      at--;
    }
    spans[at] = span;
    masks[at] = mask;
  }

  /** Joins parts that overlap; the strictest mask is that of all. */
  void settle() {
    int kept = 0;
    for (int i = 1; i < size; i++) {
      if (start(i) < end(kept)) {
        spans[kept] = Matcher.span(start(kept), Math.max(end(kept), end(i)));
        masks[kept] = masks[kept].and(masks[i]);
      } else {
        kept++;
        spans[kept] = spans[i];
        masks[kept] = masks[i];
      }
    }
    size = Math.min(size, kept + 1);
  }

  /** Whether a part is to have no value at all. */
  boolean hasNull() {
    for (int i = 0; i < size; i++) {
      if (masks[i] == Mask.NULL) {
        return true;
      }
    }
    return false;
  }
}
