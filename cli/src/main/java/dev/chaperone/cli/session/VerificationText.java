package dev.chaperone.cli.session;

import dev.chaperone.recording.Verification;
import java.io.PrintWriter;
import java.nio.file.Path;

/** What came of a verification, for people. */
final class VerificationText {
  private VerificationText() {}

  /**
   * Prints it.
   *
   * @param session the directory of the recording
   */
  static void print(PrintWriter out, Path session, Verification verification) {
    if (verification instanceof Verification.Sealed sealed) {
      out.printf(
          "%s: sealed, %d events in %d segments, %d operations, %d denied%n",
          sealed.session(),
          sealed.head().events(),
          sealed.segments(),
          sealed.totals().operations(),
          sealed.totals().denied());
      out.println("  head " + sealed.head().digest());
      if (sealed.totals().gaps() > 0) {
        out.println(
            "  nothing could be recorded for a while, " + sealed.totals().gaps() + " times");
      }
      sealed.notes().forEach(note -> out.println("  " + note));
    } else if (verification instanceof Verification.Unsealed unsealed) {
      out.printf(
          "%s: valid, not sealed, %d events in %d segments, the last %d of them not signed%n",
          unsealed.session(), unsealed.head().events(), unsealed.segments(), unsealed.tail());
      out.println("  head " + unsealed.head().digest());
      unsealed.notes().forEach(note -> out.println("  " + note));
    } else if (verification instanceof Verification.Broken broken) {
      out.printf(
          "%s: BROKEN%n  %s: byte %d: event %d: %s: %s%n",
          session.getFileName(),
          broken.file(),
          broken.offset(),
          broken.event(),
          broken.damage().label(),
          broken.explanation());
    }
  }
}
