package dev.chaperone.policy.masking;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * All masks that apply to one requester on one connection, added up.
 *
 * @param columns which columns are masked; where several match one, the strictest wins
 * @param detectors what is recognised in text, and what replaces it
 */
public record Masks(List<ColumnMask> columns, Map<Detector, Mask> detectors) {

  /** Nothing is masked. */
  public static final Masks NONE = new Masks(List.of(), Map.of());

  public Masks {
    columns = List.copyOf(columns);
    detectors = Map.copyOf(detectors);
  }

  /** The columns of one pattern, what replaces their values, and what may be done with them. */
  public record ColumnMask(
      ColumnPattern pattern, Mask with, MaskUse use, MaskPredicates predicates) {
    public ColumnMask {
      Objects.requireNonNull(pattern, "pattern");
      Objects.requireNonNull(with, "with");
      Objects.requireNonNull(use, "use");
      Objects.requireNonNull(predicates, "predicates");
    }

    /** Columns that may not be compared. */
    public ColumnMask(ColumnPattern pattern, Mask with, MaskUse use) {
      this(pattern, with, use, MaskPredicates.REFUSE);
    }

    /** Columns that may only be returned by themselves. */
    public ColumnMask(ColumnPattern pattern, Mask with) {
      this(pattern, with, MaskUse.STRICT);
    }
  }

  /** Adds up the masks of several policies. */
  public static Masks of(Collection<MaskingRule> rules) {
    if (rules.isEmpty()) {
      return NONE;
    }
    List<ColumnMask> columns = new ArrayList<>();
    Map<Detector, Mask> detectors = new EnumMap<>(Detector.class);
    for (MaskingRule rule : rules) {
      rule.columns()
          .forEach(
              pattern ->
                  columns.add(new ColumnMask(pattern, rule.with(), rule.use(), rule.predicates())));
      rule.detectors().forEach(detector -> detectors.merge(detector, rule.with(), Mask::and));
    }
    return new Masks(columns, detectors);
  }

  /** Whether nothing is masked. */
  public boolean isEmpty() {
    return columns.isEmpty() && detectors.isEmpty();
  }
}
