package dev.chaperone.recording;

import java.util.List;
import java.util.Objects;

/**
 * What a recording says of masks: whether a protected column left without its mask. It rests on
 * names, numbers and masks alone; no value is looked at.
 *
 * @param underMasks operations that were answered while masks were in force
 * @param withoutMasks operations that were let pass while none was
 * @param columns what became of each protected column that was returned, ordered by name
 * @param violations what contradicts the masks in force; at most {@link #MAX_FINDINGS}
 * @param violationCount how many there were
 * @param unproven what the recording does not say; at most {@link #MAX_FINDINGS}
 * @param unprovenCount how many there were
 */
public record MaskingReport(
    long underMasks,
    long withoutMasks,
    List<ReturnedColumn> columns,
    List<Finding> violations,
    long violationCount,
    List<Finding> unproven,
    long unprovenCount) {
  /** Findings of a kind that are told one by one at most. */
  public static final int MAX_FINDINGS = 100;

  public MaskingReport {
    columns = List.copyOf(columns);
    violations = List.copyOf(violations);
    unproven = List.copyOf(unproven);
  }

  /**
   * A protected column that was returned.
   *
   * @param name {@code schema.table.column}
   * @param shows the columns that masks name and that it shows, where they are others
   * @param functions what replaced its values
   * @param rules the entries of policies that decided, with the digest of what they say
   * @param operations how many operations returned it
   * @param columns how many columns of results it was
   * @param unmasked how many of these had no mask, or one that is too weak
   */
  public record ReturnedColumn(
      String name,
      List<String> shows,
      List<String> functions,
      List<String> rules,
      long operations,
      long columns,
      long unmasked) {
    public ReturnedColumn {
      Objects.requireNonNull(name, "name");
      shows = List.copyOf(shows);
      functions = List.copyOf(functions);
      rules = List.copyOf(rules);
    }
  }

  /**
   * What is wrong, or not known.
   *
   * @param event the number of the event that says so
   * @param explanation in one line, safe to show
   */
  public record Finding(long event, String explanation) {}

  /** 0 all is proven, 1 a mask is contradicted, 5 the recording does not say all. */
  public int exitCode() {
    return violationCount > 0 ? 1 : unprovenCount > 0 ? 5 : 0;
  }
}
