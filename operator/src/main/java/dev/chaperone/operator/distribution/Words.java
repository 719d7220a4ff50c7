package dev.chaperone.operator.distribution;

import dev.chaperone.policy.VisibleText;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Words that come from elsewhere, and those that go into resources. */
public final class Words {
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");
  private static final Pattern LABEL =
      Pattern.compile("[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?");

  private Words() {}

  /** Whether it can be the name of a resource; anything else never becomes part of a path. */
  public static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }

  /** Text of others for people to read: nothing hidden in it, and no longer than that. */
  public static String shown(String text, int max) {
    // Escapes make it longer, so it is cut before and after.
    String visible = VisibleText.of(cut(text, max));
    return cut(visible, max);
  }

  private static String cut(String text, int max) {
    if (text.length() <= max) {
      return text;
    }
    int end = max - 3;
    return text.substring(0, Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end)
        + "...";
  }

  /** Adds a label where the value can be one; names may be longer than labels. */
  public static void label(Map<String, String> labels, String key, String value) {
    if (LABEL.matcher(value).matches()) {
      labels.put(key, value);
    }
  }

  /** A time as resources have it. */
  public static String time(Instant time) {
    return time.truncatedTo(ChronoUnit.MILLIS).toString();
  }

  /** A time that a resource has; empty where it is none. */
  public static Optional<Instant> time(String text) {
    try {
      return Optional.of(java.time.OffsetDateTime.parse(text).toInstant());
    } catch (DateTimeParseException | NullPointerException e) {
      return Optional.empty();
    }
  }
}
