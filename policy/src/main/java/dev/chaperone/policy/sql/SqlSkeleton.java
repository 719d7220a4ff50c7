package dev.chaperone.policy.sql;

import java.util.Arrays;

/**
 * The text of a statement without its literals, in UTF-8: the key under which a decision that does
 * not depend on literals is found again.
 *
 * <p>Two texts with the same skeleton read alike but for the content of their literals: every byte
 * outside of plain numbers and plain strings is kept as it is. Texts that hold anything whose end
 * is not obvious (escape, Unicode, bit and dollar-quoted strings, comments, backslashes, control
 * characters, bytes above 0x7f) have no skeleton. Neither have texts with a string behind a string
 * and white space: a newline between them would join the two.
 */
public final class SqlSkeleton {

  /** Stands for a number. The server rejects this byte outside of strings. */
  public static final byte NUMBER = 0x01;

  /** Stands for a string. The server rejects this byte outside of strings. */
  public static final byte STRING = 0x02;

  /** The text has no skeleton. */
  public static final int NOT_ELIGIBLE = -1;

  private static final byte SPACE = 0;
  private static final byte WORD = 1;
  private static final byte DIGIT = 2;
  private static final byte MARK = 3;
  private static final byte REFUSED = 4;
  private static final byte[] KINDS = kinds();

  private SqlSkeleton() {}

  private static byte[] kinds() {
    byte[] kinds = new byte[128];
    Arrays.fill(kinds, REFUSED);
    for (char c : " \t\n\r\f".toCharArray()) {
      kinds[c] = SPACE;
    }
    for (char c = 'a'; c <= 'z'; c++) {
      kinds[c] = WORD;
      kinds[c - 'a' + 'A'] = WORD;
    }
    kinds['_'] = WORD;
    for (char c = '0'; c <= '9'; c++) {
      kinds[c] = DIGIT;
    }
    for (char c : ",()[].;:~!@#^&|`?+-*/%<>=".toCharArray()) {
      kinds[c] = MARK;
    }
    return kinds;
  }

  /**
   * Writes the skeleton of a text. Allocates nothing.
   *
   * @param text holds the text in UTF-8
   * @param offset where it starts
   * @param length how long it is, in bytes
   * @param out takes the skeleton; at least {@code length} bytes
   * @return how many bytes were written, or {@link #NOT_ELIGIBLE}; then the content of {@code out}
   *     is undefined
   */
  public static int write(byte[] text, int offset, int length, byte[] out) {
    int end = offset + length;
    int in = offset;
    int to = 0;
    boolean afterString = false;
    while (in < end) {
      byte b = text[in];
      if (b == '\'') {
        if (afterString) {
          return NOT_ELIGIBLE;
        }
        in = skipString(text, in, end);
        if (in < 0) {
          return NOT_ELIGIBLE;
        }
        out[to++] = STRING;
        afterString = true;
        continue;
      }
      if (b == '"') {
        int stop = skipIdentifier(text, in, end);
        if (stop < 0) {
          return NOT_ELIGIBLE;
        }
        while (in < stop) {
          out[to++] = text[in++];
        }
        afterString = false;
        continue;
      }
      if (b == '$') {
        // A parameter, kept with its digits; anything else with a dollar is refused.
        int stop = skipDigits(text, in + 1, end);
        if (stop == in + 1 || isWordOrDollar(text, stop, end)) {
          return NOT_ELIGIBLE;
        }
        while (in < stop) {
          out[to++] = text[in++];
        }
        afterString = false;
        continue;
      }
      switch (b < 0 ? REFUSED : KINDS[b]) {
        case SPACE -> out[to++] = text[in++];
        case WORD -> {
          int stop = in + 1;
          while (stop < end && text[stop] >= 0 && isWordPart(text[stop])) {
            stop++;
          }
          // E'', B'', X'', N'' and U&, and identifiers with bytes that are not ASCII or a dollar.
          if (stop < end
              && (text[stop] < 0
                  || text[stop] == '$'
                  || text[stop] == '\''
                  || (text[stop] == '&' && isUnicodePrefix(text, in, stop)))) {
            return NOT_ELIGIBLE;
          }
          while (in < stop) {
            out[to++] = text[in++];
          }
          afterString = false;
        }
        case DIGIT -> {
          in = skipNumber(text, in, end);
          if (in < 0) {
            return NOT_ELIGIBLE;
          }
          out[to++] = NUMBER;
          afterString = false;
        }
        case MARK -> {
          byte next = in + 1 < end ? text[in + 1] : 0;
          if ((b == '-' && next == '-') || (b == '/' && next == '*')) {
            return NOT_ELIGIBLE;
          }
          if (b == '.' && next >= '0' && next <= '9') {
            // ".5" is a number only where no identifier or number ends just before it.
            return NOT_ELIGIBLE;
          }
          out[to++] = b;
          in++;
          afterString = false;
        }
        default -> {
          return NOT_ELIGIBLE;
        }
      }
    }
    return to;
  }

  /** Past the closing quote, or -1. */
  private static int skipString(byte[] text, int start, int end) {
    int in = start + 1;
    while (in < end) {
      byte b = text[in++];
      if (b == '\\' || b <= 0) {
        // Plain under standard_conforming_strings, but not worth trusting to a cache key.
        return -1;
      }
      if (b == '\'') {
        if (in < end && text[in] == '\'') {
          in++;
        } else {
          return in;
        }
      }
    }
    return -1;
  }

  /** Past the closing quote of a quoted identifier of printable ASCII, or -1. */
  private static int skipIdentifier(byte[] text, int start, int end) {
    int in = start + 1;
    while (in < end && text[in] >= ' ') {
      if (text[in++] == '"') {
        if (in == end || text[in] != '"') {
          return in - start > 2 ? in : -1;
        }
        in++;
      }
    }
    return -1;
  }

  /**
   * Past {@code 12}, {@code 1.5}, {@code 1e5} or {@code 1.5e-5}, or -1 for other forms and where
   * something follows that may belong to the number.
   */
  private static int skipNumber(byte[] text, int start, int end) {
    int in = skipDigits(text, start, end);
    if (in < end && text[in] == '.') {
      int fraction = in + 1;
      in = skipDigits(text, fraction, end);
      if (in == fraction) {
        return -1;
      }
    }
    if (in < end && (text[in] == 'e' || text[in] == 'E')) {
      int exponent = in + 1;
      if (exponent < end && (text[exponent] == '+' || text[exponent] == '-')) {
        exponent++;
      }
      in = skipDigits(text, exponent, end);
      if (in == exponent) {
        return -1;
      }
    }
    return isWordOrDollar(text, in, end) || (in < end && text[in] == '.') ? -1 : in;
  }

  private static int skipDigits(byte[] text, int start, int end) {
    int in = start;
    while (in < end && text[in] >= '0' && text[in] <= '9') {
      in++;
    }
    return in;
  }

  private static boolean isWordOrDollar(byte[] text, int at, int end) {
    return at < end && (text[at] < 0 || text[at] == '$' || KINDS[text[at]] == WORD);
  }

  private static boolean isWordPart(byte b) {
    return KINDS[b] == WORD || KINDS[b] == DIGIT;
  }

  private static boolean isUnicodePrefix(byte[] text, int start, int stop) {
    return stop - start == 1 && (text[start] == 'u' || text[start] == 'U');
  }
}
