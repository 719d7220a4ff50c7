package dev.chaperone.policy;

import java.util.Locale;
import java.util.Objects;

/**
 * A pattern in which {@code *} is any run of characters and {@code ?} any single one. There is no
 * escape: no canonical name needs one.
 *
 * <p>Matching never backtracks over more than the last star, so it takes at most pattern times text
 * steps whatever the pattern.
 */
public final class Glob {
  private final String source;
  private final String pattern;
  private final boolean ignoreCase;

  private Glob(String source, boolean ignoreCase) {
    this.source = Objects.requireNonNull(source, "source");
    this.ignoreCase = ignoreCase;
    this.pattern = ignoreCase ? source.toUpperCase(Locale.ROOT) : source;
  }

  /** A glob over resources: names are case-sensitive. */
  public static Glob resource(String pattern) {
    return new Glob(pattern, false);
  }

  /** A glob over commands: a protocol's own words, in any case. */
  public static Glob command(String pattern) {
    return new Glob(pattern, true);
  }

  /** Whether the whole of {@code text} matches. */
  public boolean matches(String text) {
    String subject = ignoreCase ? text.toUpperCase(Locale.ROOT) : text;
    int p = 0;
    int t = 0;
    int star = -1;
    int resume = 0;
    while (t < subject.length()) {
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        star = p++;
        resume = t;
      } else if (p < pattern.length()
          && (pattern.charAt(p) == '?' || pattern.charAt(p) == subject.charAt(t))) {
        p++;
        t++;
      } else if (star >= 0) {
        p = star + 1;
        t = ++resume;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '*') {
      p++;
    }
    return p == pattern.length();
  }

  /**
   * Whether everything that {@code other} matches is matched by this one too. Sound, not complete:
   * {@code true} is certain.
   */
  public boolean covers(Glob other) {
    if (ignoreCase != other.ignoreCase) {
      return false;
    }
    // A star of the other pattern stands for any text, so it can only be swallowed by a star of
    // ours; two characters that no name contains stand for "any run" and "any character".
    String probe = other.pattern.replace('*', '\uFFFF').replace('?', '\uFFFE');
    return covers(pattern, probe);
  }

  private static boolean covers(String pattern, String probe) {
    int p = 0;
    int t = 0;
    int star = -1;
    int resume = 0;
    while (t < probe.length()) {
      char c = probe.charAt(t);
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        star = p++;
        resume = t;
      } else if (p < pattern.length()
          && c != '\uFFFF'
          && (pattern.charAt(p) == '?' || pattern.charAt(p) == c)) {
        p++;
        t++;
      } else if (star >= 0) {
        p = star + 1;
        t = ++resume;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '*') {
      p++;
    }
    return p == pattern.length();
  }

  @Override
  public String toString() {
    return source;
  }
}
