package dev.chaperone.policy.masking;

import java.util.Arrays;

/**
 * Values of type numeric as decimal text, whatever format they come in. Binary format is that of
 * numeric_send in the server's numeric.c: digits of base 10,000. Longer values than any money or
 * measure has are not read.
 */
final class NumericFormat {
  /** Longest value in decimal text. */
  private static final int MAX_CHARACTERS = 128;

  private static final int POSITIVE = 0x0000;
  private static final int NEGATIVE = 0x4000;
  private static final int DIGITS_PER_GROUP = 4;

  private NumericFormat() {}

  /** Writes the value as {@code -12.50}; false where it is none, NaN or infinite. */
  static boolean read(byte[] value, int offset, int length, boolean binary, ByteOutput text) {
    return binary ? readBinary(value, offset, length, text) : readText(value, offset, length, text);
  }

  private static boolean readText(byte[] value, int offset, int length, ByteOutput text) {
    if (length < 1 || length > MAX_CHARACTERS) {
      return false;
    }
    int points = 0;
    int digits = 0;
    for (int i = offset; i < offset + length; i++) {
      byte b = value[i];
      if (b == '.') {
        points++;
      } else if (b >= '0' && b <= '9') {
        digits++;
      } else if (b != '-' || i > offset) {
        return false;
      }
    }
    if (points > 1 || digits == 0) {
      return false;
    }
    text.put(value, offset, length);
    return true;
  }

  private static boolean readBinary(byte[] value, int offset, int length, ByteOutput text) {
    if (length < 8) {
      return false;
    }
    int groups = unsigned(value, offset);
    int weight = (short) unsigned(value, offset + 2);
    int sign = unsigned(value, offset + 4);
    int scale = unsigned(value, offset + 6);
    if ((sign != POSITIVE && sign != NEGATIVE)
        || length != 8 + 2 * groups
        || scale > MAX_CHARACTERS / 2
        || weight > MAX_CHARACTERS / 2 / DIGITS_PER_GROUP) {
      return false;
    }
    if (sign == NEGATIVE) {
      text.put('-');
    }
    int whole = text.length();
    for (int i = 0; i <= weight; i++) {
      group(value, offset, groups, i, text);
    }
    dropLeadingZeros(text, whole);
    if (scale > 0) {
      text.put('.');
      int fraction = text.length();
      for (int i = weight + 1; text.length() - fraction < scale; i++) {
        group(value, offset, groups, i, text);
      }
      text.truncate(fraction + scale);
    }
    return true;
  }

  /** Four decimal digits; zeros where the value has no such group. */
  private static void group(byte[] value, int offset, int groups, int index, ByteOutput text) {
    int digits = index < 0 || index >= groups ? 0 : unsigned(value, offset + 8 + 2 * index);
    text.put('0' + digits / 1000 % 10)
        .put('0' + digits / 100 % 10)
        .put('0' + digits / 10 % 10)
        .put('0' + digits % 10);
  }

  private static void dropLeadingZeros(ByteOutput text, int whole) {
    byte[] bytes = text.array();
    int end = text.length();
    int first = whole;
    while (first < end && bytes[first] == '0') {
      first++;
    }
    System.arraycopy(bytes, first, bytes, whole, end - first);
    text.truncate(whole + end - first);
    if (text.length() == whole) {
      text.put('0');
    }
  }

  private static int unsigned(byte[] value, int at) {
    return (value[at] & 0xff) << 8 | (value[at + 1] & 0xff);
  }

  /** Writes decimal text in either format. */
  static void write(byte[] text, int length, boolean binary, ByteOutput out) {
    if (!binary) {
      out.put(text, 0, length);
      return;
    }
    boolean negative = length > 0 && text[0] == '-';
    int from = negative ? 1 : 0;
    int point = from;
    while (point < length && text[point] != '.') {
      point++;
    }
    int scale = Math.max(0, length - point - 1);
    int wholeGroups = (point - from + DIGITS_PER_GROUP - 1) / DIGITS_PER_GROUP;
    int fractionGroups = (scale + DIGITS_PER_GROUP - 1) / DIGITS_PER_GROUP;
    int[] groups = new int[wholeGroups + fractionGroups];
    int pad = wholeGroups * DIGITS_PER_GROUP - (point - from);
    for (int i = from; i < point; i++) {
      int group = (i - from + pad) / DIGITS_PER_GROUP;
      groups[group] = groups[group] * 10 + text[i] - '0';
    }
    for (int i = 0; i < fractionGroups * DIGITS_PER_GROUP; i++) {
      int group = wholeGroups + i / DIGITS_PER_GROUP;
      int digit = i < scale ? text[point + 1 + i] - '0' : 0;
      groups[group] = groups[group] * 10 + digit;
    }
    write(groups, wholeGroups, negative, scale, out);
    Arrays.fill(groups, 0);
  }

  private static void write(
      int[] groups, int wholeGroups, boolean negative, int scale, ByteOutput out) {
    int first = 0;
    int end = groups.length;
    while (first < end && groups[first] == 0) {
      first++;
    }
    while (end > first && groups[end - 1] == 0) {
      end--;
    }
    boolean zero = first == end;
    out.putShort(end - first)
        .putShort(zero ? 0 : wholeGroups - 1 - first)
        .putShort(negative && !zero ? NEGATIVE : POSITIVE)
        .putShort(scale);
    for (int i = first; i < end; i++) {
      out.putShort(groups[i]);
    }
  }
}
