package dev.chaperone.cli.quickstart;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;

/** Says how the tour goes, in short lines; in colour where somebody looks at a terminal. */
final class TourPrinter {
  private static final String GREEN = "\u001b[32m";
  private static final String RED = "\u001b[31m";
  private static final String BOLD = "\u001b[1m";
  private static final String PLAIN = "\u001b[0m";

  private final PrintStream out;
  private final boolean colour;
  private int number;

  TourPrinter(PrintStream out, boolean colour) {
    this.out = out;
    this.colour = colour;
  }

  /** Prints to standard output, in colour where that is a terminal. */
  static TourPrinter toStandardOutput() {
    boolean terminal = false;
    try {
      String output = Path.of("/proc/self/fd/1").toRealPath().toString();
      terminal = output.startsWith("/dev/pts/") || output.startsWith("/dev/tty");
    } catch (IOException e) {
      // No Linux: no colour.
    }
    return new TourPrinter(System.out, terminal && System.getenv("NO_COLOR") == null);
  }

  /** A step begins. */
  void step(String title) {
    number++;
    out.println();
    out.println(styled(BOLD, number + ". " + title));
  }

  /** Somebody types something. */
  void typed(String who, String what) {
    out.println("   " + who + " > " + what);
  }

  /** What came of it. */
  void seen(String what) {
    what.lines().forEach(line -> out.println("     " + line));
  }

  /** The step did what it says. */
  void passed() {
    out.println("   " + styled(GREEN, "passed"));
  }

  /** The step did not do what it says. */
  void failed(String why) {
    out.println("   " + styled(RED, "FAILED: " + why));
  }

  /** The end. */
  void end(int passed, boolean all) {
    out.println();
    out.println(
        all ? "tour: " + passed + " steps passed" : "tour: failed after " + passed + " steps");
    out.flush();
  }

  private String styled(String style, String text) {
    return colour ? style + text + PLAIN : text;
  }
}
