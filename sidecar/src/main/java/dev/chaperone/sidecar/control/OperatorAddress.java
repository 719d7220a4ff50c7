package dev.chaperone.sidecar.control;

import java.nio.file.Path;
import java.util.Objects;

/**
 * Where the operator is, and what proves that it is the operator and whose sidecar this is.
 *
 * @param host its DNS name, which its certificate must carry
 * @param certificateAuthorities by which its certificate is known
 * @param token the file of the pod's projected token; it changes with time
 * @param podUid the uid of this pod
 */
public record OperatorAddress(
    String host, int port, TrustedAuthorities certificateAuthorities, Path token, String podUid) {
  public OperatorAddress {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(certificateAuthorities, "certificateAuthorities");
    Objects.requireNonNull(token, "token");
    Objects.requireNonNull(podUid, "podUid");
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port " + port);
    }
  }

  /** The same with the authorities in a file. */
  public OperatorAddress(
      String host, int port, Path certificateAuthorities, Path token, String podUid) {
    this(host, port, new TrustedAuthorities.InFile(certificateAuthorities), token, podUid);
  }
}
