package dev.chaperone.cli.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.cli.CommandRun;
import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.MaskFunction;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.RecordingKey;
import dev.chaperone.recording.Verification;
import dev.chaperone.recording.Verifier;
import dev.chaperone.recording.memory.JournalMemory;
import dev.chaperone.recording.memory.SessionMemory;
import dev.chaperone.recording.memory.WindowLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SessionCommandTest {
  private static final RecordingKey KEY = RecordingKey.generate();

  @TempDir Path status;

  private Path recordings() {
    return status.resolve("recordings");
  }

  @Test
  void verifySaysSealedUnsealedAndBroken() throws IOException {
    Path sealed = Recorded.sealed(recordings(), "sealed", KEY);
    CommandRun run = CommandRun.of("verify", sealed.toString());
    assertThat(run.exitCode()).isZero();
    assertThat(run.output())
        .contains("sealed, ")
        .contains("sha256:")
        .contains("proves nothing about who wrote it");
    Path open = Recorded.open(recordings(), "open", KEY);
    run = CommandRun.of("verify", open.toString());
    assertThat(run.exitCode()).isEqualTo(4);
    assertThat(run.output()).contains("not sealed");
    run = CommandRun.of("verify", recordings().toString());
    assertThat(run.exitCode()).isEqualTo(4);

    Path segment = sealed.resolve("000001.seg");
    byte[] content = Files.readAllBytes(segment);
    content[content.length / 2] ^= 1;
    Files.write(segment, content);
    run = CommandRun.of("verify", recordings().toString());
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.output()).contains("BROKEN", segment.toString(), "byte ", "changed");
  }

  @Test
  void verifyAndReplayCompleteWhatAKilledGatewayLeftInMemory() throws IOException {
    for (String command : List.of("verify", "replay")) {
      String name = "killed-" + command;
      Path killed = Recorded.sealed(recordings(), name, KEY);
      Path segment = killed.resolve("000001.seg");
      byte[] whole = Files.readAllBytes(segment);
      Files.write(segment, Arrays.copyOf(whole, whole.length / 2));
      SessionMemory memory = SessionMemory.create(JournalMemory.make(recordings()), name);
      ByteBuffer window =
          ByteBuffer.allocate(WindowLayout.FILE_BYTES)
              .putLong(0, WindowLayout.IN_USE)
              .putLong(WindowLayout.SEGMENT, 1)
              .putLong(WindowLayout.START, 0)
              .put(WindowLayout.DATA, whole);
      Files.write(memory.newWindow(), window.array());

      // The gateway lives: its memory is its own.
      CommandRun run = CommandRun.of("verify", killed.toString());
      assertThat(run.exitCode()).isEqualTo(4);
      assertThat(run.errors()).isEmpty();

      memory.abandon();
      run =
          command.equals("verify")
              ? CommandRun.of("verify", killed.toString())
              : CommandRun.of("replay", name, "--status", status.toString());
      assertThat(run.exitCode()).isZero();
      assertThat(run.errors()).contains(name, "was killed");
      assertThat(segment).hasBinaryContent(whole);
      run = CommandRun.of("verify", killed.toString());
      assertThat(run.exitCode()).isZero();
      assertThat(run.errors()).isEmpty();
      JournalMemory.make(recordings()).release();
    }
  }

  @Test
  void verifyTakesAKeyFromElsewhere() throws IOException {
    Path sealed = Recorded.sealed(recordings(), "sealed", KEY);
    Path key = status.resolve("their.pem");
    Files.writeString(key, KEY.publicKey().pem());
    CommandRun run = CommandRun.of("verify", sealed.toString(), "--key", key.toString());
    assertThat(run.exitCode()).isZero();
    assertThat(run.output()).doesNotContain("proves nothing");
    Files.writeString(key, RecordingKey.generate().publicKey().pem());
    run = CommandRun.of("verify", sealed.toString(), "--key", key.toString());
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.output()).contains("other key");
  }

  @Test
  void verifyLooksForWhatTheStoreHasCountersigned() throws IOException {
    Path sealed = Recorded.sealed(recordings(), "sealed", KEY);
    RecordingKey store = RecordingKey.generate();
    Path keys = status.resolve("store.pem");
    Files.writeString(keys, store.publicKey().pem());
    String[] command = {"verify", sealed.toString(), "--store-key", keys.toString()};
    CommandRun run = CommandRun.of(command);
    assertThat(run.exitCode()).as("nothing is countersigned").isEqualTo(1);
    assertThat(run.output()).contains("BROKEN", "countersigned.heads", "deleted");
    Verification.Sealed verified =
        (Verification.Sealed) Verifier.verify(sealed, KEY.publicKey(), Optional.empty());
    CountersignedHead head =
        new CountersignedHead(
            "uid",
            "sealed",
            KEY.publicKey().id(),
            store.publicKey().id(),
            0,
            verified.head(),
            Files.size(sealed.resolve("000001.seg")));
    Files.write(sealed.resolve(CountersignedHead.FILE_NAME), head.encode(store.sign(head)));
    run = CommandRun.of(command);
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output()).contains("the store has countersigned 1 heads");
    Files.writeString(keys, RecordingKey.generate().publicKey().pem());
    assertThat(CommandRun.of(command).exitCode()).isEqualTo(1);
    Files.writeString(keys, "no key");
    assertThat(CommandRun.of(command).exitCode()).isEqualTo(2);
    Files.delete(keys);
    assertThat(CommandRun.of(command).exitCode()).isEqualTo(2);
  }

  @Test
  void verifySaysOfMasksWhatTheRecordingSays() throws IOException {
    Path before = Recorded.sealed(recordings(), "before", KEY);
    CommandRun run = CommandRun.of("verify", "--masking", before.toString());
    assertThat(run.exitCode()).isEqualTo(5);
    assertThat(run.output()).contains("2 operations of this recording have no masking proof");

    Path masked = Recorded.underMasks(recordings(), "masked", KEY, MaskFunction.PARTIAL);
    run = CommandRun.of("verify", "--masking", masked.toString());
    assertThat(run.exitCode()).isZero();
    assertThat(run.output())
        .contains("no protected column left unmasked", "public.c.ssn: Partial by support/agents");

    Path unmasked = Recorded.underMasks(recordings(), "unmasked", KEY, MaskFunction.NONE);
    assertThat(CommandRun.of("verify", unmasked.toString()).exitCode()).isZero();
    run = CommandRun.of("verify", "--masking", unmasked.toString());
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.output()).contains("VIOLATED", "VIOLATION: event ", "public.c.ssn");

    // The worst of several counts.
    run = CommandRun.of("verify", "--masking", recordings().toString());
    assertThat(run.exitCode()).isEqualTo(1);
  }

  @Test
  void verifyLooksForAHead() throws IOException {
    Path open = Recorded.open(recordings(), "open", KEY);
    CommandRun run = CommandRun.of("verify", open.toString());
    String head = run.output().replaceAll("(?s).*(sha256:[0-9a-f]{64}).*", "$1");
    assertThat(CommandRun.of("verify", open.toString(), "--head", head).exitCode()).isEqualTo(4);
    String other = "sha256:" + "0".repeat(64);
    run = CommandRun.of("verify", open.toString(), "--head", other);
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.output()).contains("truncated");
    assertThat(CommandRun.of("verify", open.toString(), "--head", "abc").exitCode()).isEqualTo(2);
  }

  @Test
  void verifySaysWhatIsMissing() throws IOException {
    assertThat(CommandRun.of("verify", status.resolve("nowhere").toString()).exitCode())
        .isEqualTo(2);
    Files.createDirectories(recordings());
    assertThat(CommandRun.of("verify", recordings().toString()).exitCode()).isEqualTo(2);
    Path sealed = Recorded.sealed(recordings(), "sealed", KEY);
    Files.delete(sealed.resolve(PublicKeyFile.NAME));
    CommandRun run = CommandRun.of("verify", sealed.toString());
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.errors()).contains("--key");
  }

  @Test
  void replayShowsALineForEachEventAndNothingThatFoolsATerminal() throws IOException {
    Recorded.sealed(recordings(), "sealed", KEY);
    CommandRun run = CommandRun.of("replay", "sealed", "--status", status.toString(), "--follow");
    assertThat(run.exitCode()).isZero();
    assertThat(run.output().lines()).hasSize(4);
    assertThat(run.output())
        .contains("SELECT 1", "SELECT '\\u{1b}[2J\\u{202e}'", "ended: done")
        .doesNotContain("\u001b")
        .doesNotContain("\u202e");
    run = CommandRun.of("replay", "sealed", "--status", status.toString(), "--json");
    assertThat(run.output().lines())
        .hasSize(4)
        .allMatch(line -> line.startsWith("{\"event\":") && line.endsWith("}"));
  }

  @Test
  void replayOfNothingIsAClearError() {
    CommandRun run = CommandRun.of("replay", "none", "--status", status.toString());
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.errors()).contains("there is no session none");
    run = CommandRun.of("replay", "../none", "--status", status.toString());
    assertThat(run.exitCode()).isEqualTo(2);
  }

  @Test
  void replayStopsWhereTheRecordingIsBroken() throws IOException {
    Path sealed = Recorded.sealed(recordings(), "sealed", KEY);
    Path segment = sealed.resolve("000001.seg");
    byte[] content = Files.readAllBytes(segment);
    content[content.length / 2] ^= 1;
    Files.write(segment, content);
    CommandRun run = CommandRun.of("replay", "sealed", "--status", status.toString(), "--follow");
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.errors()).contains("verify");
  }

  @Test
  void revokeNeedsASession() {
    CommandRun run = CommandRun.of("revoke", "none", "--status", status.toString());
    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.errors()).contains("there is no session none");
    assertThat(CommandRun.of("sessions", "--status", status.toString()).output())
        .contains("No sessions.");
  }
}
