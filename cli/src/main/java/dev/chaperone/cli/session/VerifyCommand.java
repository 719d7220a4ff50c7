package dev.chaperone.cli.session;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.ExitCode;
import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.MalformedRecordingException;
import dev.chaperone.recording.MaskingReport;
import dev.chaperone.recording.MaskingVerifier;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.SessionFiles;
import dev.chaperone.recording.Verification;
import dev.chaperone.recording.Verifier;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Finds out whether recordings are what was written. */
@Command(
    name = "verify",
    description = "Find out whether a recording is what was written; needs nothing but its files.",
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:valid and sealed: nothing is missing",
      "1:broken: changed, deleted, inserted, reordered, truncated, or signed by another key;"
          + " with --masking also: a protected column left without its mask",
      "2:there is no recording, or the key cannot be read",
      "4:valid, with an end that is not sealed: the session goes on, was cut off, or was killed",
      "5:with --masking: valid, and it does not say of all of it what it was masked by"
    })
public final class VerifyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "PATH",
      description = "The directory of a session's recording, or one that holds several of these.")
  private Path path;

  @Option(
      names = "--key",
      paramLabel = "FILE",
      description =
          "The public key that must have signed it, in PEM (default: the one beside the recording,"
              + " which proves nothing about who wrote it).")
  private Path keyFile;

  @Option(
      names = "--head",
      paramLabel = "sha256:HEX",
      description =
          "The hash of an event that must be in the recording, as seen in the status of its"
              + " AgentSession.")
  private String head;

  @Option(
      names = "--store-key",
      paramLabel = "FILE",
      description =
          "The public keys of the operator's store, in PEM: the recording must hold every head that"
              + " the store has countersigned.")
  private Path storeKeyFile;

  @Option(
      names = "--masking",
      description =
          "Also hold each column of each result against the masks that were in force; looks at no"
              + " value.")
  private boolean masking;

  /** Made by picocli. */
  public VerifyCommand() {}

  @Override
  public Integer call() throws IOException {
    Optional<Bytes> wanted = wantedHead();
    List<PublicKeyFile> storeKeys = storeKeys();
    List<Path> sessions = sessions();
    if (wanted.isPresent() && sessions.size() > 1) {
      throw CommandException.usage("--head is about one recording; name its directory");
    }
    int exitCode = ExitCode.OK;
    for (Path session : sessions) {
      PublicKeyFile key = key(session);
      Verification verification = Verifier.verify(session, key, wanted, storeKeys);
      VerificationText.print(spec.commandLine().getOut(), session, verification);
      exitCode = worse(exitCode, verification.exitCode());
      if (masking && !(verification instanceof Verification.Broken)) {
        exitCode = worse(exitCode, masks(session, spec.commandLine().getOut()));
      }
    }
    if (keyFile == null) {
      spec.commandLine()
          .getOut()
          .println(
              "notice: the key was taken from beside the recording; that proves nothing about who"
                  + " wrote it (--key)");
    }
    return exitCode;
  }

  /** Says whether a protected column left without its mask; the exit code. */
  static int masks(Path session, PrintWriter out) throws IOException {
    try {
      MaskingReport report = MaskingVerifier.verify(session);
      MaskingReportText.print(out, report);
      return report.exitCode();
    } catch (MalformedRecordingException e) {
      // Nothing of it was changed since it was verified, or somebody is changing it now.
      throw CommandException.failed(session + ": " + e.getMessage());
    }
  }

  private Optional<Bytes> wantedHead() {
    if (head == null) {
      return Optional.empty();
    }
    Optional<Bytes> hash = Head.hashOf(head);
    if (hash.isEmpty()) {
      throw CommandException.usage("--head must be sha256: and 64 hexadecimal digits");
    }
    return hash;
  }

  private List<Path> sessions() throws IOException {
    if (!Files.isDirectory(path)) {
      throw CommandException.usage(path + ": is not a directory; name that of a recording");
    }
    Path directory = path.toRealPath();
    boolean single = SessionFiles.isSession(directory);
    LeftInMemory.complete(single ? directory.getParent() : directory, spec.commandLine().getErr());
    if (single) {
      return List.of(directory);
    }
    List<Path> sessions = SessionFiles.sessions(directory);
    if (sessions.isEmpty()) {
      throw CommandException.usage(path + ": there is no recording in it");
    }
    return sessions;
  }

  private List<PublicKeyFile> storeKeys() {
    return storeKeyFile == null ? List.of() : keys(storeKeyFile);
  }

  /** The public keys that a file holds. */
  static List<PublicKeyFile> keys(Path file) {
    try {
      return PublicKeyFile.readAll(file);
    } catch (NoSuchFileException e) {
      throw CommandException.usage(file + ": there is no such key");
    } catch (IOException e) {
      throw CommandException.usage(e.getMessage());
    }
  }

  private PublicKeyFile key(Path session) {
    Path file = keyFile == null ? session.resolve(PublicKeyFile.NAME) : keyFile;
    try {
      return PublicKeyFile.read(file);
    } catch (IOException e) {
      throw CommandException.usage(
          e instanceof NoSuchFileException
              ? file + ": there is no such key; name one with --key"
              : e.getMessage());
    }
  }

  /** Broken is worse than anything; what is not proven is worse than not sealed. */
  static int worse(int one, int other) {
    if (one == ExitCode.FAILED || other == ExitCode.FAILED) {
      return ExitCode.FAILED;
    }
    return Math.max(one, other);
  }
}
