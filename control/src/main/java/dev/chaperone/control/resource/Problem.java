package dev.chaperone.control.resource;

import java.util.Comparator;
import java.util.Objects;

/**
 * Something wrong in a file.
 *
 * @param file the file, relative to the directory that was read
 * @param line from 1; 0 where the problem is the file as a whole
 * @param column from 1; 0 where the problem is the file as a whole
 * @param path the field, such as {@code spec.rules[0].action}; may be empty
 * @param message what is wrong and what to write instead; holds nothing secret
 */
public record Problem(String file, int line, int column, String path, String message)
    implements Comparable<Problem> {
  private static final Comparator<Problem> ORDER =
      Comparator.comparing(Problem::file)
          .thenComparingInt(Problem::line)
          .thenComparingInt(Problem::column)
          .thenComparing(Problem::path)
          .thenComparing(Problem::message);

  public Problem {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(path, "path");
    Objects.requireNonNull(message, "message");
  }

  @Override
  public int compareTo(Problem other) {
    return ORDER.compare(this, other);
  }

  /** {@code file:line:column: path: message}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(file);
    if (line > 0) {
      text.append(':').append(line).append(':').append(column);
    }
    text.append(": ");
    if (!path.isEmpty()) {
      text.append(path).append(": ");
    }
    return text.append(message).toString();
  }
}
