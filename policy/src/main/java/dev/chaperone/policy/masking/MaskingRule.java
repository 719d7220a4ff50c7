package dev.chaperone.policy.masking;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * One entry of a policy's masking: columns or detectors, and what replaces their values.
 *
 * @param columns patterns of columns; empty where detectors are named
 * @param detectors what is recognised; empty where columns are named
 * @param use what may be done with the columns; strict for detectors
 * @param predicates whether the columns may be compared; refused for detectors
 */
public record MaskingRule(
    List<ColumnPattern> columns,
    Set<Detector> detectors,
    Mask with,
    MaskUse use,
    MaskPredicates predicates) {
  public MaskingRule {
    columns = List.copyOf(columns);
    detectors = Set.copyOf(detectors);
    Objects.requireNonNull(with, "with");
    Objects.requireNonNull(use, "use");
    Objects.requireNonNull(predicates, "predicates");
    if (columns.isEmpty() == detectors.isEmpty()) {
      throw new IllegalArgumentException("a masking rule names either columns or detectors");
    }
    if (columns.isEmpty() && (use != MaskUse.STRICT || predicates != MaskPredicates.REFUSE)) {
      throw new IllegalArgumentException("use and predicates are for columns");
    }
  }

  /** A strict rule, whose columns may not be compared. */
  public MaskingRule(List<ColumnPattern> columns, Set<Detector> detectors, Mask with) {
    this(columns, detectors, with, MaskUse.STRICT, MaskPredicates.REFUSE);
  }

  /**
   * What it says, in one form whatever the order it was written in: {@code columns a.b.c, a.b.d
   * with Partial}, and {@code , usage Taint} and {@code , predicates Allow} behind where that is
   * so.
   */
  public String content() {
    return columns.isEmpty()
        ? "detectors "
            + detectors.stream().map(Detector::label).sorted().collect(Collectors.joining(", "))
            + " with "
            + with.label()
        : "columns "
            + columns.stream()
                .map(ColumnPattern::toString)
                .sorted()
                .collect(Collectors.joining(", "))
            + " with "
            + with.label()
            + (use == MaskUse.TAINT ? ", usage Taint" : "")
            + (predicates == MaskPredicates.ALLOW ? ", predicates Allow" : "");
  }

  /** The SHA-256 of its {@link #content} in UTF-8. */
  public byte[] digest() {
    try {
      return MessageDigest.getInstance("SHA-256")
          .digest(content().getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
