package dev.chaperone.control.resource;

import java.util.Map;
import java.util.Objects;

/**
 * What identifies a resource.
 *
 * @param namespace {@code default} where the file says none
 * @param name the name
 * @param uid as the file says; empty where it says none
 * @param generation as the file says; 1 where it says none
 * @param labels the labels
 */
public record Metadata(
    String namespace, String name, String uid, long generation, Map<String, String> labels) {
  public Metadata {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(uid, "uid");
    labels = Map.copyOf(labels);
  }

  @Override
  public String toString() {
    return namespace + "/" + name;
  }
}
