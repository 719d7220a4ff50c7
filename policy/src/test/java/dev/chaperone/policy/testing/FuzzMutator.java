package dev.chaperone.policy.testing;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Changes inputs at random: bytes, numbers, stretches of others, words. */
final class FuzzMutator {
  private static final int MAX_CHANGES = 6;
  private static final int MAX_BYTES = 16 << 10;
  private static final int[] NUMBERS = {
    0, 1, -1, 4, 127, 128, 255, 256, 32_767, 65_535, Integer.MAX_VALUE, Integer.MIN_VALUE
  };

  private final List<byte[]> seeds;
  private final List<String> words;
  private final Random random;

  FuzzMutator(List<byte[]> seeds, List<String> words, Random random) {
    this.seeds = seeds;
    this.words = words;
    this.random = random;
  }

  /** A seed with some changes. */
  byte[] next() {
    byte[] input = seed().clone();
    for (int i = random.nextInt(MAX_CHANGES); i >= 0; i--) {
      input = changed(input);
    }
    return input.length > MAX_BYTES ? Arrays.copyOf(input, MAX_BYTES) : input;
  }

  private byte[] seed() {
    return seeds.get(random.nextInt(seeds.size()));
  }

  private byte[] changed(byte[] input) {
    int from = random.nextInt(input.length + 1);
    int to = Math.min(input.length, from + random.nextInt(9));
    return switch (random.nextInt(words.isEmpty() ? 6 : 8)) {
      case 0 -> {
        byte[] changed = input.clone();
        for (int i = from; i < to; i++) {
          changed[i] ^= (byte) (1 << random.nextInt(8));
        }
        yield changed;
      }
      case 1 -> {
        byte[] changed = input.clone();
        byte[] number =
            ByteBuffer.allocate(4).putInt(NUMBERS[random.nextInt(NUMBERS.length)]).array();
        int bytes = Math.min(random.nextBoolean() ? 4 : 2, input.length - from);
        System.arraycopy(number, 4 - bytes, changed, from, bytes);
        yield changed;
      }
      case 2 -> spliced(input, from, to, new byte[0]);
      case 3 -> spliced(input, from, from, Arrays.copyOfRange(input, from, to));
      case 4 -> Arrays.copyOf(input, from);
      case 5 -> {
        byte[] other = seed();
        int start = random.nextInt(other.length + 1);
        int length = random.nextInt(other.length - start + 1);
        yield spliced(input, from, to, Arrays.copyOfRange(other, start, start + length));
      }
      default ->
          spliced(
              input,
              from,
              from,
              (" " + words.get(random.nextInt(words.size())) + " ")
                  .getBytes(StandardCharsets.UTF_8));
    };
  }

  /** The input with the bytes from one place to another replaced. */
  private static byte[] spliced(byte[] input, int from, int to, byte[] by) {
    byte[] changed = new byte[input.length - (to - from) + by.length];
    System.arraycopy(input, 0, changed, 0, from);
    System.arraycopy(by, 0, changed, from, by.length);
    System.arraycopy(input, to, changed, from + by.length, input.length - to);
    return changed;
  }
}
