package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.recording.MaskingReport.Finding;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a recording proves of masks, also one whose chain and signatures are right and that lies.
 */
class MaskingVerifierTest {
  private static final RecordingKey KEY = RecordingKey.generate();

  @TempDir Path temporary;

  private Path directory;
  private MaskedSession session;

  @BeforeEach
  void begin() {
    directory = temporary.resolve("orders-db-1");
    session = new MaskedSession(directory, KEY);
  }

  /** The report of the recording as it is; the chain itself is always right. */
  private MaskingReport report() throws Exception {
    session.session().seal("done");
    assertThat(Verifier.verify(directory, KEY.publicKey(), Optional.empty()).exitCode()).isZero();
    return MaskingVerifier.verify(directory);
  }

  private void assertViolation(long event, String... words) throws Exception {
    MaskingReport report = report();
    assertThat(report.exitCode()).isEqualTo(1);
    assertThat(report.violations()).extracting(Finding::event).containsExactly(event);
    assertThat(report.violations().get(0).explanation()).contains(words);
  }

  @Test
  void whatCameMaskedIsProvenInEverySegmentAndOnceForEachColumn() throws Exception {
    Path honest = temporary.resolve("honest/orders-db-1");
    MaskedSession.honest(honest, KEY);
    assertThat(Verifier.verify(honest, KEY.publicKey(), Optional.empty()).exitCode()).isZero();
    MaskingReport report = MaskingVerifier.verify(honest);
    assertThat(report.violations()).isEmpty();
    assertThat(report.unproven()).isEmpty();
    assertThat(report.exitCode()).isZero();
    assertThat(report.underMasks()).isEqualTo(2);
    assertThat(report.columns()).hasSize(1);
    MaskingReport.ReturnedColumn ssn = report.columns().get(0);
    assertThat(ssn.name()).isEqualTo("public.c.ssn");
    assertThat(ssn.functions()).containsExactly("Partial");
    assertThat(ssn.operations()).isEqualTo(2);
    assertThat(ssn.columns()).isEqualTo(2);
    assertThat(ssn.unmasked()).isZero();
    assertThat(ssn.rules())
        .containsExactly(
            "support/agents masking[0] ("
                + Head.digest(MaskedSession.MASKS.rules().get(0).digest())
                + ")");
  }

  @Test
  void aProtectedColumnThatLeftUnmaskedIsFound() throws Exception {
    long answer =
        session.answered(
            session.asked(MaskedSession.under(MaskedSession.MASKS, 1)),
            MaskedSession.columns(
                MaskedSession.MASKS, MaskedSession.id(), MaskedSession.ssn(MaskFunction.NONE)));
    assertViolation(answer, "column 2 \"ssn\"", "public.c.ssn", "left unmasked", "Partial");
    assertThat(MaskingVerifier.verify(directory).columns().get(0).unmasked()).isOne();
  }

  @Test
  void aMaskThatIsWeakerThanItsRuleIsFound() throws Exception {
    MasksInForce redacts =
        MaskedSession.masks(
            MaskFunction.REDACT, MaskFunction.REDACT, MaskedSession.CONTENT, List.of());
    long answer =
        session.answered(
            session.asked(MaskedSession.under(redacts, 1)),
            MaskedSession.columns(redacts, MaskedSession.ssn(MaskFunction.HASH)));
    assertViolation(answer, "left with Hash", "Redact");
  }

  @Test
  void masksThatSayLessThanTheirRulesAreFound() throws Exception {
    MasksInForce weak =
        MaskedSession.masks(
            MaskFunction.REDACT, MaskFunction.PARTIAL, MaskedSession.CONTENT, List.of());
    long asked = session.asked(MaskedSession.under(weak, 1));
    assertViolation(asked, "public.c.ssn", "protected by Partial", "says Redact");
  }

  @Test
  void aRuleThatDoesNotHaveItsDigestIsFound() throws Exception {
    MasksInForce other =
        MaskedSession.masks(
            MaskFunction.PARTIAL, MaskFunction.PARTIAL, "columns a.b.c with Partial", List.of());
    long asked = session.asked(MaskedSession.under(other, 1));
    assertViolation(asked, "support/agents masking[0]", "another digest");
  }

  @Test
  void rowsWithoutAWordOfTheirColumnsAreFound() throws Exception {
    long answer =
        session.answered(
            session.asked(MaskedSession.under(MaskedSession.MASKS, 1)), SessionUnderTest.COLUMNS);
    assertViolation(answer, "nothing says what they were masked by");
  }

  @Test
  void aWholeRowOfATableWithProtectedColumnsIsFound() throws Exception {
    long answer =
        session.answered(
            session.asked(MaskedSession.under(MaskedSession.MASKS, 0)),
            MaskedSession.columns(
                MaskedSession.MASKS,
                Columns.Column.of(
                    "c",
                    2249,
                    new Columns.Origin(
                        MaskedSession.TABLE, 0, "public.c", MaskFunction.NONE, false))));
    assertViolation(answer, "whole row");
  }

  @Test
  void aResultUnderOtherMasksThanItsOperationIsFound() throws Exception {
    MasksInForce none = new MasksInForce(List.of(), 0, List.of(), 0, List.of());
    long answer =
        session.answered(
            session.asked(MaskedSession.under(MaskedSession.MASKS, 1)),
            MaskedSession.columns(none, MaskedSession.ssn(MaskFunction.NONE)));
    assertViolation(answer, "other masks");
  }

  @Test
  void aResultUnderMasksOfAnOperationUnderNoneIsFound() throws Exception {
    long answer =
        session.answered(
            session.asked(Optional.of(Facts.Masking.NOTHING_IN_FORCE)),
            MaskedSession.columns(MaskedSession.MASKS, MaskedSession.ssn(MaskFunction.PARTIAL)));
    assertViolation(answer, "under none");
  }

  @Test
  void textThatDetectorsDidNotLookIntoIsFound() throws Exception {
    MasksInForce searched =
        MaskedSession.masks(
            MaskFunction.PARTIAL,
            MaskFunction.PARTIAL,
            MaskedSession.CONTENT,
            List.of(new MasksInForce.Detector("CreditCard", MaskFunction.REDACT)));
    Columns.Column note =
        Columns.Column.of("note", 25, new Columns.Origin(0, 0, "", MaskFunction.NONE, false));
    long answer =
        session.answered(
            session.asked(MaskedSession.under(searched, 0)), MaskedSession.columns(searched, note));
    assertViolation(answer, "\"note\"", "detectors");
  }

  @Test
  void whereNothingWasMaskedNothingHasToBeProven() throws Exception {
    session.answered(
        session.asked(Optional.of(Facts.Masking.NOTHING_IN_FORCE)), SessionUnderTest.COLUMNS);
    MaskingReport report = report();
    assertThat(report.exitCode()).isZero();
    assertThat(report.withoutMasks()).isOne();
    assertThat(report.columns()).isEmpty();
  }

  @Test
  void anOperationThatTouchesNoProtectedColumnIsProvenByWhatItWasFoundToReturn() throws Exception {
    session.answered(
        session.asked(MaskedSession.under(MaskedSession.MASKS, 0)), SessionUnderTest.COLUMNS);
    assertThat(report().exitCode()).isZero();
  }

  @Test
  void aRecordingThatSaysNothingOfMasksProvesNothing() throws Exception {
    long asked = session.asked(Optional.empty());
    session.answered(asked, SessionUnderTest.COLUMNS);
    session.asked(Optional.empty());
    MaskingReport report = report();
    assertThat(report.exitCode()).isEqualTo(5);
    assertThat(report.unproven())
        .containsExactly(
            new Finding(asked, "2 operations of this recording have no masking proof"));
  }

  @Test
  void whatWasNotRecordedIsNotProven() throws Exception {
    long gap = session.session().add(new Event.RecordingGap(1, 3, 4, "disk full"));
    long lost = session.answered(999, SessionUnderTest.COLUMNS);
    long asked = session.asked(MaskedSession.under(MaskedSession.MASKS, 1));
    long empty =
        session
            .session()
            .add(
                new Event.OperationCompleted(
                    asked, List.of(), 0, 20, 0, 1, false, Optional.empty()));
    MaskingReport report = report();
    assertThat(report.exitCode()).isEqualTo(5);
    assertThat(report.unproven()).extracting(Finding::event).containsExactly(gap, lost, empty);
  }

  @Test
  void aSecondAnswerOfOneOperationIsHeldAgainstItsMasksToo() throws Exception {
    long asked = session.asked(MaskedSession.under(MaskedSession.MASKS, 1));
    session.answered(
        asked, MaskedSession.columns(MaskedSession.MASKS, MaskedSession.ssn(MaskFunction.PARTIAL)));
    long again =
        session.answered(
            asked,
            MaskedSession.columns(MaskedSession.MASKS, MaskedSession.ssn(MaskFunction.NONE)));
    assertViolation(again, "left unmasked");
  }

  @Test
  void columnsThatHaveNoRoomAreSaidToBeMissing() throws Exception {
    List<MasksInForce.ProtectedColumn> many = new java.util.ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      many.add(
          new MasksInForce.ProtectedColumn(
              i, 1, "public.t" + i + ".c", MaskFunction.PARTIAL, List.of(), List.of()));
    }
    MasksInForce masks = new MasksInForce(List.of(), 0, many, 0, List.of());
    session.asked(MaskedSession.under(masks, 0));
    MaskingReport report = report();
    assertThat(masks.columns()).hasSize(MasksInForce.MAX_COLUMNS);
    assertThat(report.exitCode()).isEqualTo(5);
    assertThat(report.unproven().get(0).explanation())
        .contains((20_000 - MasksInForce.MAX_COLUMNS) + " protected columns");
  }

  @Test
  void asManyColumnsAsAResultCanHaveAreHeldAgainstTheMasks() throws Exception {
    Columns.Column[] columns = new Columns.Column[1_664];
    java.util.Arrays.fill(columns, MaskedSession.ssn(MaskFunction.PARTIAL));
    columns[1_663] = MaskedSession.ssn(MaskFunction.NONE);
    long answer =
        session.answered(
            session.asked(MaskedSession.under(MaskedSession.MASKS, 1_664)),
            MaskedSession.columns(MaskedSession.MASKS, columns));
    assertViolation(answer, "column 1664", "left unmasked");
  }

  @Test
  void namesInFindingsDoNothingToATerminal() throws Exception {
    Columns.Column hostile =
        Columns.Column.of(
            "\u001b[2J",
            25,
            new Columns.Origin(
                MaskedSession.TABLE, 2, "public.c.\u202essn", MaskFunction.NONE, false));
    session.answered(
        session.asked(MaskedSession.under(MaskedSession.MASKS, 1)),
        MaskedSession.columns(MaskedSession.MASKS, hostile));
    assertThat(report().violations().get(0).explanation())
        .contains("\\u{1b}[2J", "\\u{202e}")
        .doesNotContain("\u001b", "\u202e");
  }

  @Test
  void replayShowsWhichColumnsCameMasked() throws Exception {
    Path honest = temporary.resolve("honest/orders-db-1");
    MaskedSession.honest(honest, KEY);
    StringBuilder timeline = new StringBuilder();
    StringBuilder json = new StringBuilder();
    try (SessionReader reader = new SessionReader(honest)) {
      for (var event = reader.next(); event.isPresent(); event = reader.next()) {
        timeline.append(new Timeline(160).line(event.get())).append('\n');
        json.append(new JsonLines().line(event.get())).append('\n');
      }
    }
    assertThat(timeline).contains("1 masked (ssn Partial)");
    assertThat(json)
        .contains(
            "\"origin\":\"public.c.ssn\"",
            "\"mask\":\"Partial\"",
            "\"content\":\"" + MaskedSession.CONTENT + "\"");
  }
}
