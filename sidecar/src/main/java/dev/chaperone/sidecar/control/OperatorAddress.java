package dev.chaperone.sidecar.control;

import java.nio.file.Path;
import java.util.Objects;

/**
 * Where the operator is, and what proves that it is the operator and whose sidecar this is.
 *
 * @param host its DNS name, which its certificate must carry
 * @param certificateAuthorities a file of certificates in PEM; nobody else's are trusted
 * @param token the file of the pod's projected token; it changes with time
 * @param podUid the uid of this pod
 */
public record OperatorAddress(
    String host, int port, Path certificateAuthorities, Path token, String podUid) {
  public OperatorAddress {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(certificateAuthorities, "certificateAuthorities");
    Objects.requireNonNull(token, "token");
    Objects.requireNonNull(podUid, "podUid");
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port " + port);
    }
  }
}
