package dev.chaperone.control.resource;

import java.util.List;
import java.util.stream.Collectors;

/** What was read cannot be put in force. */
public final class InvalidConfigurationException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<Problem> problems;

  /** All problems at once, in the order of the files. */
  public InvalidConfigurationException(List<Problem> problems) {
    super(problems.stream().sorted().map(Problem::toString).collect(Collectors.joining("\n")));
    this.problems = problems.stream().sorted().distinct().toList();
  }

  /** What is wrong; at least one. */
  public List<Problem> problems() {
    return problems;
  }

  /** The same for resources that were not read from files: lines and columns mean nothing there. */
  public InvalidConfigurationException withoutPlaces() {
    return new InvalidConfigurationException(
        problems.stream().map(p -> new Problem(p.file(), 0, 0, p.path(), p.message())).toList());
  }
}
