package dev.chaperone.cli.session;

import dev.chaperone.recording.MaskingReport;
import java.io.PrintWriter;
import java.util.List;

/** Writes for a reader what a recording says of masks. */
final class MaskingReportText {
  private MaskingReportText() {}

  static void print(PrintWriter out, MaskingReport report) {
    out.printf(
        "  masking: %s; %d answers under masks, %d operations while nothing was masked%n",
        verdict(report), report.underMasks(), report.withoutMasks());
    for (MaskingReport.ReturnedColumn column : report.columns()) {
      out.printf(
          "    %s%s: %s by %s; %d operations, %d result columns, %d unmasked%n",
          column.name(),
          column.shows().isEmpty() ? "" : " (shows " + String.join(", ", column.shows()) + ")",
          String.join(", ", column.functions()),
          String.join(", ", column.rules()),
          column.operations(),
          column.columns(),
          column.unmasked());
    }
    findings(out, "VIOLATION", report.violations(), report.violationCount());
    findings(out, "not proven", report.unproven(), report.unprovenCount());
  }

  private static String verdict(MaskingReport report) {
    if (report.violationCount() > 0) {
      return "VIOLATED";
    }
    if (report.unprovenCount() > 0) {
      return "not proven";
    }
    return "no protected column left unmasked";
  }

  private static void findings(
      PrintWriter out, String what, List<MaskingReport.Finding> findings, long count) {
    for (MaskingReport.Finding finding : findings) {
      out.printf("    %s: event %d: %s%n", what, finding.event(), finding.explanation());
    }
    if (count > findings.size()) {
      out.printf("    and %d more of these%n", count - findings.size());
    }
  }
}
