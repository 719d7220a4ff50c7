package dev.chaperone.recording;

import java.nio.charset.StandardCharsets;

/** Reads a payload that may be anything; never past its end, and never more than it holds. */
final class PayloadReader {
  private final byte[] array;
  private int position;

  PayloadReader(Bytes payload) {
    this.array = payload.array();
  }

  int octet() throws MalformedRecordingException {
    return array[take(1)] & 0xff;
  }

  long fixed64() throws MalformedRecordingException {
    int start = take(8);
    long value = 0;
    for (int i = 0; i < 8; i++) {
      value = value << 8 | (array[start + i] & 0xff);
    }
    return value;
  }

  long number() throws MalformedRecordingException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      int octet = octet();
      value |= (long) (octet & 0x7f) << shift;
      if (octet < 0x80) {
        if ((octet == 0 && shift > 0) || (shift == 63 && octet > 1)) {
          throw new MalformedRecordingException("a number is not in its shortest form");
        }
        return value;
      }
    }
    throw new MalformedRecordingException("a number is too long");
  }

  /** A number from 0 to a bound. */
  int number(int most) throws MalformedRecordingException {
    long value = number();
    if (value < 0 || value > most) {
      throw new MalformedRecordingException("a number is out of range");
    }
    return (int) value;
  }

  boolean flag() throws MalformedRecordingException {
    int octet = octet();
    if (octet > 1) {
      throw new MalformedRecordingException("a flag is neither 0 nor 1");
    }
    return octet == 1;
  }

  Bytes bytes(int most) throws MalformedRecordingException {
    return raw(number(most));
  }

  Bytes raw(int length) throws MalformedRecordingException {
    return Bytes.copy(array, take(length), length);
  }

  /** A text; what is not UTF-8 in it is read as U+FFFD. */
  String text() throws MalformedRecordingException {
    int length = number(Format.MAX_STRING_BYTES);
    return new String(array, take(length), length, StandardCharsets.UTF_8);
  }

  /** Every byte up to the hash was used, but for padding. */
  void requireEnd() throws MalformedRecordingException {
    if (array.length - position >= Format.FRAME_ALIGNMENT) {
      throw new MalformedRecordingException("an event is longer than what it holds");
    }
    for (int i = position; i < array.length; i++) {
      if (array[i] != 0) {
        throw new MalformedRecordingException("padding is not zero");
      }
    }
  }

  private int take(int bytes) throws MalformedRecordingException {
    if (bytes > array.length - position) {
      throw new MalformedRecordingException("an event is shorter than what it holds");
    }
    int start = position;
    position += bytes;
    return start;
  }
}
