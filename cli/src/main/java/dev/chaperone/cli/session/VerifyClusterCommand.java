package dev.chaperone.cli.session;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.kubectl.ClusterOption;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.Verification;
import dev.chaperone.recording.Verifier;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Finds out whether a recording in the operator's store is what was written. */
@Command(
    name = "verify",
    description = "Find out whether the recording of a session is what was written.",
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:valid and sealed: nothing is missing",
      "1:broken, or it cannot be read; with --masking also: a protected column left without its mask",
      "2:the command line or a key cannot be used",
      "4:valid, with an end that is not sealed: the session goes on, was cut off, or was killed",
      "5:with --masking: valid, and it does not say of all of it what it was masked by"
    })
public final class VerifyClusterCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ClusterOption cluster;

  @Parameters(paramLabel = "SESSION", description = "The session's name.")
  private String name;

  @Option(
      names = "--store-key",
      paramLabel = "FILE",
      description =
          "The public keys of the store, in PEM, that you have kept (default: those that the"
              + " cluster names).")
  private Path storeKeyFile;

  @Option(
      names = "--masking",
      description =
          "Also hold each column of each result against the masks that were in force; looks at no"
              + " value.")
  private boolean masking;

  /** Made by picocli. */
  public VerifyClusterCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    Optional<List<PublicKeyFile>> kept = Optional.ofNullable(storeKeyFile).map(VerifyCommand::keys);
    PrintWriter out = spec.commandLine().getOut();
    try (ClusterRecording recording = ClusterRecording.download(cluster.kubectl(), name)) {
      JsonNode said = recording.metadata().path("status");
      List<PublicKeyFile> recordingKey = keys(said.path("recordingKey").path("pem"), "recording");
      List<PublicKeyFile> storeKeys =
          kept.isPresent() ? kept.get() : keys(said.path("storeKeys"), "store");
      Verification verification =
          Verifier.verify(recording.directory(), recordingKey.get(0), head(recording), storeKeys);
      VerificationText.print(out, recording.directory(), verification);
      int exitCode = verification.exitCode();
      if (masking && !(verification instanceof Verification.Broken)) {
        exitCode = VerifyCommand.worse(exitCode, VerifyCommand.masks(recording.directory(), out));
      }
      if (kept.isEmpty()) {
        out.println(
            "notice: the store's keys were taken from the cluster; ones that you have kept prove"
                + " more (--store-key)");
      }
      return exitCode;
    }
  }

  /** The head that was seen before the download, in the status of the session. */
  private static Optional<Bytes> head(ClusterRecording recording) {
    AgentSessionStatus status = recording.session().status();
    return status == null || status.recording() == null || status.recording().head() == null
        ? Optional.empty()
        : Head.hashOf(status.recording().head());
  }

  private static List<PublicKeyFile> keys(JsonNode pem, String whose) {
    try {
      return PublicKeyFile.parseAll(pem.asText());
    } catch (IOException e) {
      throw CommandException.failed("the cluster names no key of the " + whose);
    }
  }
}
