package dev.chaperone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class MainTest {
  private final StringWriter errors = new StringWriter();
  private final StringWriter output = new StringWriter();

  @Test
  void suggestsTheNearestCommand() {
    assertThat(run("quickstrat")).isEqualTo(ExitCode.USAGE);
    assertThat(errors.toString()).contains("Did you mean: chaperone quickstart");
  }

  @Test
  void suggestsTheNearestOption() {
    assertThat(run("quickstart", "--prot", "1")).isEqualTo(ExitCode.USAGE);
    assertThat(errors.toString()).contains("--port");
  }

  @Test
  void withoutCommandShowsTheUsage() {
    assertThat(run()).isEqualTo(ExitCode.USAGE);
    assertThat(errors.toString()).contains("Usage: chaperone", "quickstart", "run");
  }

  @Test
  void helpAndVersionEndWell() {
    assertThat(run("--help")).isEqualTo(ExitCode.OK);
    assertThat(run("--version")).isEqualTo(ExitCode.OK);
    assertThat(output.toString()).contains("quickstart", "chaperone ");
  }

  @Test
  void refusesPortsNobodyCanListenOn() {
    assertThat(run("quickstart", "--port", "80")).isEqualTo(ExitCode.USAGE);
    assertThat(errors.toString()).contains("1024 to 65535");
  }

  private int run(String... arguments) {
    CommandLine commandLine = Main.commandLine();
    commandLine.setErr(new PrintWriter(errors, true));
    commandLine.setOut(new PrintWriter(output, true));
    return commandLine.execute(arguments);
  }
}
