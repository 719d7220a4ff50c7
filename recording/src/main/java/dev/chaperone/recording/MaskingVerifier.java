package dev.chaperone.recording;

import dev.chaperone.recording.MaskingReport.Finding;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Finds out from a recording whether a protected column was returned without its mask: each column
 * of each result is held against the masks that its operation was judged under. Looks at no value.
 * That the recording is what was written is for the {@link Verifier}.
 */
public final class MaskingVerifier {
  /** Operations whose answer is awaited at most; older ones count as not recorded. */
  private static final int MAX_OPEN = 1 << 20;

  /** Operations that were answered and may be answered again, at most. */
  private static final int MAX_ANSWERED = 1 << 16;

  /** Definitions whose check is remembered at most; each may be large. */
  private static final int MAX_CHECKED = 256;

  private static final int MAX_LOOKUPS = 16;

  /** Types that hold text: text, varchar, char, json, jsonb, xml (pg_type.dat). */
  private static final Set<Long> TEXT_TYPES = Set.of(25L, 1043L, 1042L, 114L, 3802L, 142L);

  private record Key(long table, int number) {}

  /** What is wrong with a definition, in the order it was found. */
  private record Checked(List<String> violations, List<String> unproven) {
    boolean isClean() {
      return violations.isEmpty() && unproven.isEmpty();
    }
  }

  /** The columns of one set of masks, by number. */
  private record Lookup(Map<Key, MasksInForce.ProtectedColumn> columns, Set<Long> tables) {
    static Lookup of(MasksInForce masks) {
      Map<Key, MasksInForce.ProtectedColumn> columns = new LinkedHashMap<>();
      Set<Long> tables = new LinkedHashSet<>();
      for (MasksInForce.ProtectedColumn column : masks.columns()) {
        columns.put(new Key(column.table(), column.number()), column);
        tables.add(column.table());
      }
      return new Lookup(columns, tables);
    }
  }

  /** What became of one protected column so far. */
  private static final class Tally {
    private final Set<String> shows = new LinkedHashSet<>();
    private final Set<String> functions = new LinkedHashSet<>();
    private final Set<String> rules = new LinkedHashSet<>();
    private long lastOperation;
    private long operations;
    private long columns;
    private long unmasked;
  }

  private final Map<Long, Facts.Masking> open = new LinkedHashMap<>();
  private final Map<Long, Facts.Masking> answered = new LinkedHashMap<>();
  private final Set<Long> untold = new LinkedHashSet<>();
  private final IdentityHashMap<MasksInForce, Lookup> lookups = new IdentityHashMap<>();
  private final IdentityHashMap<Columns, Checked> checked = new IdentityHashMap<>();
  private final Map<String, Tally> tallies = new TreeMap<>();
  private final List<Finding> violations = new ArrayList<>();
  private final List<Finding> unproven = new ArrayList<>();
  private long violationCount;
  private long unprovenCount;
  private long underMasks;
  private long withoutMasks;
  private long untoldOperations;
  private long firstUntold;

  private MaskingVerifier() {}

  /**
   * Looks at a recording, up to where it ends now.
   *
   * @param directory holds the segments
   * @throws MalformedRecordingException where it is broken
   */
  public static MaskingReport verify(Path directory)
      throws IOException, MalformedRecordingException {
    MaskingVerifier verifier = new MaskingVerifier();
    try (SessionReader reader = new SessionReader(directory)) {
      for (Optional<RecordedEvent> event = reader.next();
          event.isPresent();
          event = reader.next()) {
        verifier.read(event.get());
      }
    }
    return verifier.report();
  }

  private void read(RecordedEvent recorded) {
    Event event = recorded.event();
    if (event instanceof Event.OperationRequested requested) {
      if (requested.verdict() == Event.Verdict.ALLOWED) {
        requested(recorded.number(), requested.facts().value().masking());
      }
    } else if (event instanceof Event.OperationCompleted completed) {
      completed(recorded.number(), completed);
    } else if (event instanceof Event.RecordingGap gap) {
      unproven(
          recorded.number(),
          gap.operations()
              + " operations and "
              + gap.others()
              + " other events were not recorded: nothing is known of their masks");
    }
  }

  private void requested(long number, Optional<Facts.Masking> masking) {
    if (masking.isEmpty()) {
      untoldOperations++;
      firstUntold = firstUntold == 0 ? number : firstUntold;
      if (untold.size() < MAX_OPEN) {
        untold.add(number);
      }
      return;
    }
    if (masking.get().masks().isEmpty()) {
      withoutMasks++;
    } else {
      lookup(number, masking.get().masks().get().value());
    }
    keep(open, MAX_OPEN, number, masking.get());
  }

  private void completed(long number, Event.OperationCompleted completed) {
    Facts.Masking masking = open.get(completed.operation());
    if (masking == null) {
      masking = answered.get(completed.operation());
    } else if (!completed.suspended()) {
      // A portal can be executed again when it has come to its end.
      open.remove(completed.operation());
      keep(answered, MAX_ANSWERED, completed.operation(), masking);
    }
    if (masking == null) {
      if (!untold.contains(completed.operation()) && returnsRows(completed)) {
        unproven(number, "it answers operation #" + completed.operation() + ", which is not there");
      }
      return;
    }
    if (masking.masks().isEmpty()) {
      if (completed.results().stream().anyMatch(r -> r.columns().value().masks().isPresent())) {
        violation(number, "a result under masks answers an operation under none");
      }
      return;
    }
    underMasks++;
    MasksInForce masks = masking.masks().get().value();
    if (completed.omitted() > 0) {
      unproven(number, completed.omitted() + " more results are not recorded");
    }
    if (completed.results().isEmpty() && completed.bytes() > 0) {
      unproven(number, "rows were returned, and nothing is recorded of their columns");
    }
    for (Event.Result result : completed.results()) {
      result(number, completed.operation(), masking, masks, result);
    }
  }

  private static boolean returnsRows(Event.OperationCompleted completed) {
    return completed.bytes() > 0
        || completed.omitted() > 0
        || completed.results().stream().anyMatch(result -> result.rows() > 0);
  }

  /** Remembers an operation, and forgets the one that has been remembered longest for it. */
  private static void keep(
      Map<Long, Facts.Masking> operations, int most, long number, Facts.Masking masking) {
    if (operations.size() >= most) {
      operations.remove(operations.keySet().iterator().next());
    }
    operations.put(number, masking);
  }

  private void result(
      long number, long operation, Facts.Masking masking, MasksInForce masks, Event.Result result) {
    Columns columns = result.columns().value();
    if (columns.masks().isEmpty()) {
      if (result.rows() > 0 && masking.returnsProtected()) {
        violation(
            number,
            "rows with protected columns were returned, and nothing says what they were masked by");
      } else if (result.rows() > 0
          && !masks.detectors().isEmpty()
          && !columns.columns().isEmpty()) {
        violation(number, "rows were returned that detectors did not look into");
      }
      return;
    }
    if (!columns.masks().get().value().equals(masks)) {
      violation(number, "the result was masked by other masks than the operation was judged under");
      return;
    }
    Lookup lookup = lookup(number, masks);
    Checked check = checked(columns, masks, lookup);
    if (!check.isClean()) {
      check.violations().forEach(what -> violation(number, what));
      check.unproven().forEach(what -> unproven(number, what));
    }
    for (Columns.Column column : columns.columns()) {
      column.origin().ifPresent(origin -> tally(operation, masks, lookup, origin));
    }
  }

  // ---- masks

  private Lookup lookup(long number, MasksInForce masks) {
    Lookup known = lookups.get(masks);
    if (known != null) {
      return known;
    }
    if (lookups.size() >= MAX_LOOKUPS) {
      lookups.clear();
    }
    Lookup lookup = Lookup.of(masks);
    lookups.put(masks, lookup);
    for (MasksInForce.Rule rule : masks.rules()) {
      if (!rule.content().isEmpty()
          && !Bytes.of(Format.sha256().digest(rule.content().getBytes(StandardCharsets.UTF_8)))
              .equals(rule.digest())) {
        violation(number, safe(rule.toString()) + " has another digest than its content");
      }
    }
    for (MasksInForce.ProtectedColumn column : masks.columns()) {
      if (column.function() == MaskFunction.NONE
          || column.function().isWeakerThan(masks.strictest(column))) {
        violation(
            number,
            safe(column.name())
                + " was protected by "
                + column.function().label()
                + ", and the strictest of its rules says "
                + masks.strictest(column).label());
      }
    }
    if (masks.omittedColumns() > 0 || masks.omittedRules() > 0) {
      unproven(
          number,
          masks.omittedColumns()
              + " protected columns and "
              + masks.omittedRules()
              + " rules are not in the recording, which has no room for them");
    }
    return lookup;
  }

  // ---- columns of results

  private Checked checked(Columns columns, MasksInForce masks, Lookup lookup) {
    Checked known = checked.get(columns);
    if (known != null) {
      return known;
    }
    if (checked.size() >= MAX_CHECKED) {
      checked.clear();
    }
    Checked check = new Checked(new ArrayList<>(), new ArrayList<>());
    for (int i = 0; i < columns.columns().size(); i++) {
      check(i, columns.columns().get(i), masks, lookup, check);
    }
    if (columns.omitted() > 0) {
      check.unproven().add(columns.omitted() + " more columns of the result are not recorded");
    }
    checked.put(columns, check);
    return check;
  }

  private static void check(
      int index, Columns.Column column, MasksInForce masks, Lookup lookup, Checked check) {
    Columns.Origin origin = column.origin().orElseThrow();
    String which =
        "column " + (index + 1) + " \"" + safe(column.name()) + "\" from " + safe(origin.name());
    if (origin.number() == 0 && lookup.tables().contains(origin.table())) {
      check.violations().add(which + " left as a whole row with protected columns");
      return;
    }
    MasksInForce.ProtectedColumn required =
        lookup.columns().get(new Key(origin.table(), origin.number()));
    MaskFunction least = required == null ? MaskFunction.NONE : least(masks, required);
    if (origin.function().isWeakerThan(least)) {
      check
          .violations()
          .add(
              which
                  + (origin.function() == MaskFunction.NONE
                      ? " left unmasked"
                      : " left with " + origin.function().label())
                  + "; "
                  + least.label()
                  + " is what its rules ask for: "
                  + String.join(", ", rules(masks, required)));
    } else if (origin.function() == MaskFunction.NONE
        && !origin.searched()
        && !masks.detectors().isEmpty()
        && TEXT_TYPES.contains(column.type())) {
      check.violations().add(which + " left without that detectors looked into it");
    }
  }

  private static MaskFunction least(MasksInForce masks, MasksInForce.ProtectedColumn column) {
    MaskFunction strictest = masks.strictest(column);
    return column.function().isWeakerThan(strictest) ? strictest : column.function();
  }

  private static List<String> rules(MasksInForce masks, MasksInForce.ProtectedColumn column) {
    List<String> rules = new ArrayList<>();
    for (int index : column.rules()) {
      if (index < masks.rules().size()) {
        MasksInForce.Rule rule = masks.rules().get(index);
        rules.add(safe(rule.toString()) + " (" + Head.digest(rule.digest()) + ")");
      }
    }
    return rules.isEmpty() ? List.of("always masked") : rules;
  }

  private void tally(long operation, MasksInForce masks, Lookup lookup, Columns.Origin origin) {
    MasksInForce.ProtectedColumn column =
        lookup.columns().get(new Key(origin.table(), origin.number()));
    if (column == null) {
      return;
    }
    Tally tally = tallies.computeIfAbsent(safe(column.name()), any -> new Tally());
    for (String shown : column.shows()) {
      if (!shown.equals(column.name())) {
        tally.shows.add(safe(shown));
      }
    }
    tally.functions.add(origin.function().label());
    tally.rules.addAll(rules(masks, column));
    tally.operations += tally.lastOperation == operation ? 0 : 1;
    tally.lastOperation = operation;
    tally.columns++;
    tally.unmasked += origin.function().isWeakerThan(least(masks, column)) ? 1 : 0;
  }

  private static String safe(String text) {
    return text.isEmpty() ? "an expression" : SafeText.of(text, 256);
  }

  // ---- findings

  private void violation(long event, String what) {
    violationCount++;
    if (violations.size() < MaskingReport.MAX_FINDINGS) {
      violations.add(new Finding(event, what));
    }
  }

  private void unproven(long event, String what) {
    unprovenCount++;
    if (unproven.size() < MaskingReport.MAX_FINDINGS) {
      unproven.add(new Finding(event, what));
    }
  }

  private MaskingReport report() {
    if (untoldOperations > 0) {
      unprovenCount++;
      unproven.add(
          0,
          new Finding(
              firstUntold,
              untoldOperations
                  + (untoldOperations == 1 ? " operation" : " operations")
                  + " of this recording "
                  + (untoldOperations == 1 ? "has" : "have")
                  + " no masking proof"));
    }
    List<MaskingReport.ReturnedColumn> returned = new ArrayList<>();
    tallies.forEach(
        (name, tally) ->
            returned.add(
                new MaskingReport.ReturnedColumn(
                    name,
                    List.copyOf(tally.shows),
                    List.copyOf(tally.functions),
                    List.copyOf(tally.rules),
                    tally.operations,
                    tally.columns,
                    tally.unmasked)));
    return new MaskingReport(
        underMasks, withoutMasks, returned, violations, violationCount, unproven, unprovenCount);
  }
}
