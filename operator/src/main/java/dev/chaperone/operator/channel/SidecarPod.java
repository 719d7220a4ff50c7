package dev.chaperone.operator.channel;

import java.util.Objects;

/**
 * The pod a sidecar belongs to, as the API server said when it reviewed the sidecar's token.
 *
 * @param serviceAccount the name of the pod's service account
 */
public record SidecarPod(String namespace, String name, String uid, String serviceAccount) {
  public SidecarPod {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(uid, "uid");
    Objects.requireNonNull(serviceAccount, "serviceAccount");
  }

  @Override
  public String toString() {
    return namespace + "/" + name;
  }
}
