package dev.chaperone.control.resource;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a resource was read from; turns the path of a field into a place in the file. */
public final class Source {
  private static final Pattern STEP = Pattern.compile("\\.?([^.\\[\\]]+)|\\[(\\d+)\\]");

  private final String file;
  private final Tree root;

  Source(String file, Tree root) {
    this.file = file;
    this.root = root;
  }

  /** The file, relative to the directory that was read. */
  public String file() {
    return file;
  }

  /** A problem of the field at {@code path}, or of its nearest ancestor that is in the file. */
  public Problem problem(String path, String message) {
    Tree.Position position = root.position();
    Tree at = root;
    Matcher steps = STEP.matcher(path);
    while (at != null && steps.find()) {
      if (steps.group(2) != null && at instanceof Tree.Sequence sequence) {
        int index = Integer.parseInt(steps.group(2));
        at = index < sequence.items().size() ? sequence.items().get(index) : null;
        position = at == null ? position : at.position();
      } else if (at instanceof Tree.Mapping mapping
          && mapping.fields().containsKey(steps.group(1))) {
        Tree.Field field = mapping.fields().get(steps.group(1));
        position = field.position();
        at = field.value();
      } else {
        at = null;
      }
    }
    return new Problem(file, position.line(), position.column(), path, message);
  }

  /** Whether the file itself says something at {@code path}: what it does not is a default. */
  public boolean contains(String path) {
    Tree at = root;
    Matcher steps = STEP.matcher(path);
    while (steps.find()) {
      at = at instanceof Tree.Mapping mapping ? mapping.get(steps.group(1)) : null;
    }
    return at != null && !(at instanceof Tree.Scalar scalar && scalar.value() == null);
  }

  @Override
  public String toString() {
    return file + ":" + root.position().line();
  }
}
