package dev.chaperone.sidecar;

import dev.chaperone.sidecar.control.OperatorAddress;
import dev.chaperone.sidecar.control.OperatorTimes;
import dev.chaperone.sidecar.control.TrustedAuthorities;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;

/** {@code chaperone-sidecar cluster}: serves what the operator says until it is told to stop. */
@Command(
    name = "chaperone-sidecar cluster",
    mixinStandardHelpOptions = true,
    description =
        "Serves the AgentConnections of this pod as the operator says them, until SIGTERM. Each"
            + " option can be given by the environment.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:stopped as asked", "2:could not start; nothing was left running"})
final class ClusterCommand implements Callable<Integer> {

  @Option(
      names = "--operator",
      required = true,
      defaultValue = "${env:CHAPERONE_OPERATOR}",
      paramLabel = "HOST:PORT",
      description = "Where the operator is (CHAPERONE_OPERATOR).")
  private String operator;

  @Option(
      names = "--ca",
      defaultValue = "${env:CHAPERONE_CA}",
      paramLabel = "PEM",
      description =
          "The operator's certificate authority, in PEM (CHAPERONE_CA). Either this or --ca-file.")
  private String authorities;

  @Option(
      names = "--ca-file",
      defaultValue = "${env:CHAPERONE_CA_FILE}",
      paramLabel = "FILE",
      description =
          "A file that holds it, read anew for each connection (CHAPERONE_CA_FILE). Either this or"
              + " --ca.")
  private Path authoritiesFile;

  @Option(
      names = "--token-file",
      required = true,
      defaultValue = "${env:CHAPERONE_TOKEN_FILE}",
      paramLabel = "FILE",
      description = "The pod's token for audience chaperone (CHAPERONE_TOKEN_FILE).")
  private Path token;

  @Option(
      names = "--secrets",
      required = true,
      defaultValue = "${env:CHAPERONE_SECRETS_DIR}",
      paramLabel = "DIR",
      description = "Secrets as DIR/connection/secret/key (CHAPERONE_SECRETS_DIR).")
  private Path secrets;

  @Option(
      names = "--journal",
      required = true,
      defaultValue = "${env:CHAPERONE_JOURNAL_DIR}",
      paramLabel = "DIR",
      description = "Where sessions are recorded (CHAPERONE_JOURNAL_DIR).")
  private Path journal;

  @Option(
      names = "--pod-uid",
      required = true,
      defaultValue = "${env:POD_UID}",
      description = "The uid of this pod (POD_UID).")
  private String podUid;

  @Option(
      names = "--probe-directory",
      defaultValue = "${env:CHAPERONE_PROBE_DIR}",
      paramLabel = "DIR",
      description =
          "Where to say that it is started, ready and alive, for `chaperone-sidecar probe` of the"
              + " container image (CHAPERONE_PROBE_DIR). Without it, nowhere.")
  private Path probes;

  @Option(
      names = "--management-port",
      defaultValue = "${env:CHAPERONE_MANAGEMENT_PORT}",
      paramLabel = "PORT",
      description =
          "Serves /health/live, /health/ready and /metrics on 127.0.0.1; 0 for a free one"
              + " (CHAPERONE_MANAGEMENT_PORT).")
  private Integer managementPort;

  @Option(
      names = "--log-format",
      paramLabel = "text|json",
      description = "How log lines look (default: ${DEFAULT-VALUE}).")
  private LogFormat logFormat = LogFormat.json;

  @Override
  public Integer call() throws InterruptedException {
    logFormat.install();
    try {
      Cluster cluster =
          Cluster.start(
              new Cluster.Options(
                  address(),
                  OperatorTimes.STANDARD,
                  secrets,
                  journal,
                  Optional.ofNullable(probes),
                  Optional.ofNullable(managementPort)));
      Runtime.getRuntime().addShutdownHook(new Thread(cluster::stopAndHalt, "stop"));
      System.out.println("ready");
      new CountDownLatch(1).await();
      return ExitCode.OK;
    } catch (IOException | IllegalArgumentException e) {
      System.err.println("chaperone-sidecar cluster: " + e.getMessage());
      return ExitCode.USAGE;
    }
  }

  private OperatorAddress address() {
    int colon = operator.lastIndexOf(':');
    if (colon < 1 || !operator.substring(colon + 1).matches("[0-9]{1,5}")) {
      throw new IllegalArgumentException("--operator must be HOST:PORT");
    }
    return new OperatorAddress(
        operator.substring(0, colon),
        Integer.parseInt(operator.substring(colon + 1)),
        authorities(),
        token,
        podUid);
  }

  private TrustedAuthorities authorities() {
    if ((authorities == null) == (authoritiesFile == null)) {
      throw new IllegalArgumentException(
          "give the operator's certificate authority by either --ca (CHAPERONE_CA) or --ca-file"
              + " (CHAPERONE_CA_FILE)"
              + (authorities == null ? "" : ", not by both"));
    }
    return authorities == null
        ? new TrustedAuthorities.InFile(authoritiesFile)
        : new TrustedAuthorities.Inline(authorities);
  }
}
