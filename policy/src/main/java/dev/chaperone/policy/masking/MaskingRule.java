package dev.chaperone.policy.masking;

import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * One entry of a policy's masking: columns or detectors, and what replaces their values.
 *
 * @param columns patterns of columns; empty where detectors are named
 * @param detectors what is recognised; empty where columns are named
 */
public record MaskingRule(List<ColumnPattern> columns, Set<Detector> detectors, Mask with) {
  public MaskingRule {
    columns = List.copyOf(columns);
    detectors = Set.copyOf(detectors);
    Objects.requireNonNull(with, "with");
    if (columns.isEmpty() == detectors.isEmpty()) {
      throw new IllegalArgumentException("a masking rule names either columns or detectors");
    }
  }
}
