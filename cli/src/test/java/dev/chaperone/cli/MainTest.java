package dev.chaperone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MainTest {
  @Test
  void suggestsTheNearestCommand() {
    CommandRun run = CommandRun.of("quickstrat");
    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.errors()).contains("Did you mean: chaperone quickstart");
  }

  @Test
  void suggestsTheNearestOption() {
    CommandRun run = CommandRun.of("quickstart", "--prot", "1");
    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.errors()).contains("--port");
  }

  @Test
  void withoutCommandShowsTheUsage() {
    CommandRun run = CommandRun.of();
    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.errors()).contains("Usage: chaperone", "quickstart", "run", "policy");
  }

  @Test
  void helpAndVersionEndWell() {
    CommandRun help = CommandRun.of("--help");
    assertThat(help.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(help.output()).contains("quickstart");
    CommandRun version = CommandRun.of("--version");
    assertThat(version.exitCode()).isEqualTo(ExitCode.OK);
    assertThat(version.output()).startsWith("chaperone ");
  }

  @Test
  void refusesPortsNobodyCanListenOn() {
    CommandRun run = CommandRun.of("quickstart", "--port", "80");
    assertThat(run.exitCode()).isEqualTo(ExitCode.USAGE);
    assertThat(run.errors()).contains("1024 to 65535");
  }
}
