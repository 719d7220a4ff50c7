package dev.chaperone.cli.session;

import dev.chaperone.cli.kubectl.ClusterOption;
import java.io.IOException;
import java.io.PrintWriter;
import picocli.CommandLine.Mixin;

/** Recordings in the operator's store, of sessions in a namespace of a cluster. */
public final class ClusterRecordingsOption implements RecordingsOption {
  @Mixin private ClusterOption cluster;

  /** With nothing set. */
  public ClusterRecordingsOption() {}

  @Override
  public OpenedRecording open(String session, PrintWriter notices)
      throws IOException, InterruptedException {
    return ClusterRecording.download(cluster.kubectl(), session);
  }
}
