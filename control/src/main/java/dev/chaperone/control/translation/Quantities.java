package dev.chaperone.control.translation;

import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The one place that reads {@code 64Mi} and {@code 15m}. */
public final class Quantities {
  private static final Pattern BYTES = Pattern.compile("([1-9][0-9]{0,11})(Ki|Mi|Gi|k|M|G)?");
  private static final Map<String, Long> FACTORS =
      Map.of(
          "Ki",
          1L << 10,
          "Mi",
          1L << 20,
          "Gi",
          1L << 30,
          "k",
          1_000L,
          "M",
          1_000_000L,
          "G",
          1_000_000_000L);

  private static final Pattern DURATION = Pattern.compile("([1-9][0-9]{0,5}[smhd]){1,4}");
  private static final Pattern STEP = Pattern.compile("([0-9]+)([smhd])");

  private Quantities() {}

  /** A number of bytes, or empty where the text is none or too large to count. */
  public static OptionalLong bytes(String text) {
    Matcher matcher = BYTES.matcher(text);
    if (!matcher.matches()) {
      return OptionalLong.empty();
    }
    long factor = matcher.group(2) == null ? 1 : FACTORS.get(matcher.group(2));
    try {
      return OptionalLong.of(Math.multiplyExact(Long.parseLong(matcher.group(1)), factor));
    } catch (ArithmeticException e) {
      return OptionalLong.empty();
    }
  }

  /**
   * A duration such as {@code 12h} or {@code 1d12h}.
   *
   * @throws IllegalArgumentException when it is none; of a resource, the schema has said that it is
   */
  public static Duration duration(String text) {
    if (!DURATION.matcher(text).matches()) {
      throw new IllegalArgumentException("not a duration: " + text);
    }
    Duration sum = Duration.ZERO;
    Matcher steps = STEP.matcher(text);
    while (steps.find()) {
      long count = Long.parseLong(steps.group(1));
      sum =
          sum.plus(
              switch (steps.group(2).charAt(0)) {
                case 's' -> Duration.ofSeconds(count);
                case 'm' -> Duration.ofMinutes(count);
                case 'h' -> Duration.ofHours(count);
                default -> Duration.ofDays(count);
              });
    }
    return sum;
  }
}
