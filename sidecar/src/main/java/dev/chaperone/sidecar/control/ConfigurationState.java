package dev.chaperone.sidecar.control;

import dev.chaperone.control.resource.Problem;
import java.time.Instant;
import java.util.List;

/**
 * What is known of the configuration: which is in force, and what is wrong with the one in the
 * directory.
 *
 * @param generation of the configuration in force
 * @param since when it is in force
 * @param problems of the directory's present content; empty where that is in force
 */
public record ConfigurationState(long generation, Instant since, List<Problem> problems) {
  public ConfigurationState {
    problems = List.copyOf(problems);
  }

  /** Whether the directory's present content is in force. */
  public boolean isCurrent() {
    return problems.isEmpty();
  }

  public ConfigurationState withProblems(List<Problem> found) {
    return new ConfigurationState(generation, since, found);
  }
}
