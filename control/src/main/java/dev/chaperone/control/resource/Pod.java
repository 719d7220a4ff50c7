package dev.chaperone.control.resource;

import java.util.Objects;

/**
 * What a Pod says of the agent.
 *
 * @param serviceAccountName {@code default} where the file says none
 */
public record Pod(String serviceAccountName) {
  public Pod {
    Objects.requireNonNull(serviceAccountName, "serviceAccountName");
  }
}
