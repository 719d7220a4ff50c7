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
 */
public record MaskingRule(
    List<ColumnPattern> columns, Set<Detector> detectors, Mask with, MaskUse use) {
  public MaskingRule {
    columns = List.copyOf(columns);
    detectors = Set.copyOf(detectors);
    Objects.requireNonNull(with, "with");
    Objects.requireNonNull(use, "use");
    if (columns.isEmpty() == detectors.isEmpty()) {
      throw new IllegalArgumentException("a masking rule names either columns or detectors");
    }
    if (columns.isEmpty() && use != MaskUse.STRICT) {
      throw new IllegalArgumentException("a use is for columns");
    }
  }

  /** A strict rule. */
  public MaskingRule(List<ColumnPattern> columns, Set<Detector> detectors, Mask with) {
    this(columns, detectors, with, MaskUse.STRICT);
  }

  /**
   * What it says, in one form whatever the order it was written in: {@code columns a.b.c, a.b.d
   * with Partial}, and {@code , usage Taint} behind where that is so.
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
            + (use == MaskUse.TAINT ? ", usage Taint" : "");
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
