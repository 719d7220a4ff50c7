package dev.chaperone.recording;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A recording of operations under masks; what it says of them may be false. */
final class MaskedSession {
  /** The number of the table that has a protected column, its second. */
  static final long TABLE = 16_400;

  static final String CONTENT = "columns public.c.ssn with Partial";

  static final MasksInForce MASKS =
      masks(MaskFunction.PARTIAL, MaskFunction.PARTIAL, CONTENT, List.of());

  private final SessionUnderTest session;

  MaskedSession(Path directory, RecordingKey key) {
    session = new SessionUnderTest(directory, "orders-db-1", key);
    session.opened(Optional.empty());
  }

  static MasksInForce masks(
      MaskFunction rule,
      MaskFunction column,
      String content,
      List<MasksInForce.Detector> detectors) {
    return new MasksInForce(
        List.of(
            new MasksInForce.Rule(
                "support/agents",
                "uid-1",
                3,
                0,
                rule,
                content,
                Bytes.of(Format.sha256().digest(CONTENT.getBytes(StandardCharsets.UTF_8))))),
        0,
        List.of(
            new MasksInForce.ProtectedColumn(
                TABLE, 2, "public.c.ssn", column, List.of(0), List.of("public.c.ssn"))),
        0,
        detectors);
  }

  static Columns.Column id() {
    return Columns.Column.of(
        "id", 23, new Columns.Origin(TABLE, 1, "public.c.id", MaskFunction.NONE, false));
  }

  static Columns.Column ssn(MaskFunction function) {
    return Columns.Column.of(
        "ssn", 25, new Columns.Origin(TABLE, 2, "public.c.ssn", function, false));
  }

  static Repeated<Columns> columns(MasksInForce masks, Columns.Column... columns) {
    return Repeated.of(new Columns(List.of(columns), 0, Optional.of(Repeated.of(masks))));
  }

  SessionUnderTest session() {
    return session;
  }

  /** An operation that was let pass; the number of its event. */
  long asked(Optional<Facts.Masking> masking) {
    return session.add(
        new Event.OperationRequested(
            1,
            Event.Verdict.ALLOWED,
            "",
            Repeated.of(
                new Facts("Allow", 7, Optional.empty(), "", List.of(), 0, List.of(), masking)),
            Statement.of("SELECT id, ssn FROM c".getBytes(StandardCharsets.UTF_8), false, false),
            List.of(),
            0,
            "",
            Optional.empty()));
  }

  static Optional<Facts.Masking> under(MasksInForce masks, Integer... returned) {
    return Optional.of(new Facts.Masking(Optional.of(Repeated.of(masks)), List.of(returned)));
  }

  /** Its answer: a row in each result. */
  @SafeVarargs
  final long answered(long operation, Repeated<Columns>... results) {
    List<Event.Result> all = new ArrayList<>();
    for (Repeated<Columns> columns : results) {
      all.add(new Event.Result("SELECT 1", columns, 1, Rows.NONE));
    }
    return session.add(
        new Event.OperationCompleted(operation, all, 0, 20, 1, 321, false, Optional.empty()));
  }

  /** Two operations, of which each returned a protected column under its mask. */
  static MaskedSession honest(Path directory, RecordingKey key) {
    MaskedSession masked = new MaskedSession(directory, key);
    Repeated<Columns> columns = columns(MASKS, id(), ssn(MaskFunction.PARTIAL));
    masked.answered(masked.asked(under(MASKS, 1)), columns);
    masked.session.rotate();
    masked.answered(masked.asked(under(MASKS, 1)), columns);
    masked.session.seal("done");
    return masked;
  }
}
