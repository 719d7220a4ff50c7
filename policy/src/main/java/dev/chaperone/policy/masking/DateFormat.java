package dev.chaperone.policy.masking;

import java.time.LocalDate;

/**
 * Dates and times: days or microseconds since 2000-01-01, or ISO text (PostgreSQL documentation,
 * "Date/Time Output"). Text in another DateStyle is not read but taken as it is; what is written is
 * always ISO, which every client reads.
 */
final class DateFormat {
  private static final long POSTGRES_EPOCH_DAY = LocalDate.of(2000, 1, 1).toEpochDay();
  private static final long MICROS_PER_SECOND = 1_000_000L;
  private static final long SECONDS_PER_DAY = 86_400L;

  /** What {@link #read} answers for text that it does not read. */
  static final long UNREAD = Long.MIN_VALUE + 2;

  private DateFormat() {}

  /** Days for a date, microseconds for a timestamp, or {@link #UNREAD}. */
  static long read(byte[] value, int offset, int length, ValueType type, boolean binary) {
    if (binary) {
      return readBinary(value, offset, length, type);
    }
    if (length < 10 || value[offset + 4] != '-' || value[offset + 7] != '-') {
      return UNREAD;
    }
    int year = number(value, offset, 4);
    int month = number(value, offset + 5, 2);
    int day = number(value, offset + 8, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31) {
      return UNREAD;
    }
    long days = LocalDate.of(year, month, 1).toEpochDay() + day - 1 - POSTGRES_EPOCH_DAY;
    if (type == ValueType.DATE) {
      return length == 10 ? days : UNREAD;
    }
    return readTime(value, offset, length, days * SECONDS_PER_DAY);
  }

  private static long readBinary(byte[] value, int offset, int length, ValueType type) {
    if (length != (type == ValueType.DATE ? 4 : 8)) {
      return UNREAD;
    }
    long number = value[offset] >> 7;
    for (int i = offset; i < offset + length; i++) {
      number = number << 8 | (value[i] & 0xff);
    }
    return number;
  }

  /** {@code 12:34:56.789+02:30} behind the date and a space. */
  private static long readTime(byte[] value, int offset, int length, long seconds) {
    int end = offset + length;
    int at = offset + 11;
    if (length < 19 || value[at - 1] != ' ' || value[at + 2] != ':' || value[at + 5] != ':') {
      return UNREAD;
    }
    int hour = number(value, at, 2);
    int minute = number(value, at + 3, 2);
    int second = number(value, at + 6, 2);
    if (hour < 0 || minute < 0 || second < 0) {
      return UNREAD;
    }
    long micros = (seconds + hour * 3600L + minute * 60L + second) * MICROS_PER_SECOND;
    at += 8;
    if (at < end && value[at] == '.') {
      long unit = MICROS_PER_SECOND;
      for (at++; at < end && value[at] >= '0' && value[at] <= '9'; at++) {
        unit /= 10;
        micros += unit * (value[at] - '0');
      }
    }
    if (at < end && (value[at] == '+' || value[at] == '-')) {
      long sign = value[at] == '+' ? 1 : -1;
      long zone = 0;
      long unit = 3600;
      while (at + 2 < end && unit > 0 && number(value, at + 1, 2) >= 0) {
        zone += unit * number(value, at + 1, 2);
        unit /= 60;
        at += 3;
      }
      micros -= sign * zone * MICROS_PER_SECOND;
    }
    return at == end ? micros : UNREAD;
  }

  private static int number(byte[] value, int at, int digits) {
    int number = 0;
    for (int i = at; i < at + digits; i++) {
      if (value[i] < '0' || value[i] > '9') {
        return -1;
      }
      number = number * 10 + value[i] - '0';
    }
    return number;
  }

  /** Writes a moment given in seconds since 2000-01-01. */
  static void write(long seconds, ValueType type, boolean binary, ByteOutput out) {
    long days = Math.floorDiv(seconds, SECONDS_PER_DAY);
    if (binary) {
      if (type == ValueType.DATE) {
        out.putInt((int) days);
      } else {
        out.putLong(seconds * MICROS_PER_SECOND);
      }
      return;
    }
    out.putAscii(LocalDate.ofEpochDay(days + POSTGRES_EPOCH_DAY).toString());
    if (type == ValueType.DATE) {
      return;
    }
    int rest = (int) Math.floorMod(seconds, SECONDS_PER_DAY);
    out.put(' ');
    two(rest / 3600, out);
    out.put(':');
    two(rest / 60 % 60, out);
    out.put(':');
    two(rest % 60, out);
    if (type == ValueType.TIMESTAMPTZ) {
      out.putAscii("+00");
    }
  }

  private static void two(int number, ByteOutput out) {
    out.put('0' + number / 10).put('0' + number % 10);
  }
}
