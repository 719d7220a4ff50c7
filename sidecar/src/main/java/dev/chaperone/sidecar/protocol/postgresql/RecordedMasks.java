package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.masking.ColumnPattern;
import dev.chaperone.policy.masking.Mask;
import dev.chaperone.policy.masking.MaskSource;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.ProtectedColumns;
import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.MaskFunction;
import dev.chaperone.recording.MasksInForce;
import dev.chaperone.recording.Repeated;
import dev.chaperone.sidecar.gateway.Ruling;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes for the recording which masks are in force. The same for every operation until policies or
 * the target's tables change; the last are kept. Used by one event loop.
 */
final class RecordedMasks {
  private Ruling ruling;
  private ProtectedColumns columns;
  private Repeated<MasksInForce> last;

  /** The masks of that ruling, bound to these columns. */
  @SuppressWarnings("ReferenceEquality") // Both are replaced as a whole.
  Repeated<MasksInForce> of(Ruling inForce, ProtectedColumns bound, Catalog catalog) {
    if (last == null || ruling != inForce || columns != bound) {
      last = Repeated.of(masks(inForce, bound, catalog));
      ruling = inForce;
      columns = bound;
    }
    return last;
  }

  /** How the recording names a mask. */
  static MaskFunction function(Mask mask) {
    return switch (mask) {
      case PARTIAL -> MaskFunction.PARTIAL;
      case FORMAT_PRESERVING -> MaskFunction.FORMAT_PRESERVING;
      case HASH -> MaskFunction.HASH;
      case NULL -> MaskFunction.NULL;
      case REDACT -> MaskFunction.REDACT;
    };
  }

  private static MasksInForce masks(Ruling ruling, ProtectedColumns bound, Catalog catalog) {
    List<MaskSource> sources = ruling.maskSources();
    List<MasksInForce.Rule> rules = new ArrayList<>(sources.size());
    Map<ColumnPattern, List<Integer>> byPattern = new HashMap<>();
    for (int i = 0; i < sources.size(); i++) {
      MaskSource source = sources.get(i);
      rules.add(
          new MasksInForce.Rule(
              source.namespace() + "/" + source.policy(),
              source.uid(),
              source.generation(),
              source.index(),
              function(source.rule().with()),
              source.rule().content(),
              Bytes.of(source.rule().digest())));
      for (ColumnPattern pattern : source.rule().columns()) {
        byPattern.computeIfAbsent(pattern, any -> new ArrayList<>()).add(i);
      }
    }
    return new MasksInForce(
        rules,
        0,
        bound.all(catalog).stream().map(column -> column(column, byPattern)).toList(),
        0,
        ruling.masks().detectors().entrySet().stream()
            .map(
                entry ->
                    new MasksInForce.Detector(entry.getKey().label(), function(entry.getValue())))
            .sorted(Comparator.comparing(MasksInForce.Detector::name))
            .toList());
  }

  private static MasksInForce.ProtectedColumn column(
      ProtectedColumns.ProtectedColumn column, Map<ColumnPattern, List<Integer>> byPattern) {
    return new MasksInForce.ProtectedColumn(
        column.relation(),
        column.number(),
        column.name(),
        function(column.mask()),
        column.patterns().stream()
            .flatMap(pattern -> byPattern.getOrDefault(pattern, List.of()).stream())
            .distinct()
            .sorted()
            .toList(),
        column.shows());
  }
}
