package dev.chaperone.policy;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Finds the name that was meant. */
public final class Names {
  private Names() {}

  /**
   * The one of {@code known} that is nearest to {@code name}, or empty where none is near enough to
   * be what was meant: at most a third of the letters may differ, case counts as nothing.
   */
  public static Optional<String> nearest(String name, Collection<String> known) {
    String best = null;
    int least = Integer.MAX_VALUE;
    for (String candidate : known) {
      if (Math.abs(candidate.length() - name.length()) > 8) {
        continue;
      }
      int distance = distance(lower(name), lower(candidate));
      int allowed = Math.max(1, Math.max(name.length(), candidate.length()) / 3);
      if (distance <= allowed && distance < least) {
        best = candidate;
        least = distance;
      }
    }
    return Optional.ofNullable(best);
  }

  private static String lower(String name) {
    return name.substring(0, Math.min(name.length(), 128)).toLowerCase(Locale.ROOT);
  }

  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitute = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substitute, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
