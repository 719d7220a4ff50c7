package dev.chaperone.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.ProbeFiles.Probe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With the very launcher that the container's probes run. */
class ProbeFilesTest {
  private static final Path LAUNCHER = Path.of("src/main/image/chaperone-sidecar").toAbsolutePath();

  @TempDir Path directory;

  private int probe(String what) throws Exception {
    // What it does, it does by itself.
    Process process = begin(what, "/nowhere");
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  private Process begin(String what, String path) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder("/bin/sh", LAUNCHER.toString(), "probe", what)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("CHAPERONE_PROBE_DIR", directory.resolve("probes").toString());
    builder.environment().put("PATH", path);
    return builder.start();
  }

  @Test
  void withoutASidecarNothingHolds() throws Exception {
    assertThat(probe("startup")).isNotZero();
    assertThat(probe("ready")).isNotZero();
    assertThat(probe("live")).isNotZero();
  }

  @Test
  void whatHoldsNowHoldsAndNothingElse() throws Exception {
    try (ProbeFiles files = new ProbeFiles(directory.resolve("probes"))) {
      assertThat(probe("ready")).isNotZero();
      files.holds(Probe.ready);
      assertThat(probe("ready")).isZero();
      assertThat(probe("startup")).isNotZero();
      files.holds(Probe.started);
      assertThat(probe("startup")).isZero();
      assertThat(probe("live")).isNotZero();
      files.holds(Probe.alive);
      assertThat(probe("live")).isZero();
      files.holdsNot(Probe.ready);
      assertThat(probe("ready")).isNotZero();
      assertThat(probe("live")).isZero();
    }
    assertThat(probe("live")).isNotZero();
  }

  /** The one thing it does not do by itself is to wait. */
  @Test
  void whoAsksForTheStartWaitsForIt() throws Exception {
    try (ProbeFiles files = new ProbeFiles(directory.resolve("probes"))) {
      Process process = begin("startup", System.getenv("PATH"));
      assertThat(process.waitFor(1, TimeUnit.SECONDS)).isFalse();
      files.holds(Probe.started);
      assertThat(process.waitFor(15, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
    }
  }

  @Test
  void whatHeldLongAgoDoesNotHold() throws Exception {
    Path probes = Files.createDirectories(directory.resolve("probes"));
    double uptime = Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ", 2)[0]);
    String old = "%012d".formatted((long) uptime - 120);
    Files.writeString(probes.resolve("alive"), old + " " + old + "\n");
    assertThat(probe("live")).isNotZero();
  }

  @Test
  void whatIsHalfWrittenOrNonsenseDoesNotHold() throws Exception {
    Path probes = Files.createDirectories(directory.resolve("probes"));
    long now =
        (long) Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ", 2)[0]);
    for (String nonsense :
        new String[] {
          "",
          "%012d".formatted(now),
          "%012d %012d\n".formatted(now, now - 1),
          "now now\n",
          "%012d %012d\n".formatted(now + 3600, now + 3600),
          "9999999999999999999 9999999999999999999\n"
        }) {
      Files.writeString(probes.resolve("alive"), nonsense);
      assertThat(probe("live")).as(nonsense).isNotZero();
    }
  }

  @Test
  void whatAContainerBeforeHasLeftDoesNotHold() throws Exception {
    ProbeFiles before = new ProbeFiles(directory.resolve("probes"));
    before.holds(Probe.ready);
    assertThat(probe("ready")).isZero();
    try (ProbeFiles now = new ProbeFiles(directory.resolve("probes"))) {
      assertThat(probe("ready")).isNotZero();
      now.holds(Probe.ready);
      assertThat(probe("ready")).isZero();
    }
  }

  /** The first probes may come before Java has begun. */
  @Test
  void whatAContainerBeforeHasLeftDoesNotHoldFromTheLaunchersFirstStepOn() throws Exception {
    try (ProbeFiles before = new ProbeFiles(directory.resolve("probes"))) {
      for (Probe probe : Probe.values()) {
        before.holds(probe);
      }
      ProcessBuilder launcher = new ProcessBuilder("/bin/sh", LAUNCHER.toString(), "cluster");
      launcher.environment().put("CHAPERONE_PROBE_DIR", directory.resolve("probes").toString());
      launcher.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD);
      Process process = launcher.start();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      // There is no gateway at its place on this machine.
      assertThat(process.exitValue()).isEqualTo(127);
      for (String what : new String[] {"startup", "ready", "live"}) {
        assertThat(probe(what)).as(what).isNotZero();
      }
    }
  }

  @Test
  void aProbeOfAnotherNameIsRefused() throws Exception {
    assertThat(probe("alive")).isEqualTo(2);
    assertThat(probe("")).isEqualTo(2);
  }
}
