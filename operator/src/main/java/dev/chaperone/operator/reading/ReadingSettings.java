package dev.chaperone.operator.reading;

import java.time.Duration;
import java.util.Objects;

/**
 * What a server of recordings is like, and what it takes upon itself.
 *
 * @param host where it listens
 * @param port where it listens, on every replica the same; 0 for a free one
 * @param namespace the operator's own, where the other replicas are
 * @param replica names this one, as its pod does
 * @param serverName what replicas call each other in TLS
 * @param limits what it takes upon itself
 */
public record ReadingSettings(
    String host, int port, String namespace, String replica, String serverName, Limits limits) {
  /** The API group. */
  public static final String GROUP = "recordings.chaperone.dev";

  /** Its version. */
  public static final String VERSION = "v1alpha1";

  /** The name of the APIService. */
  public static final String API_SERVICE = VERSION + "." + GROUP;

  public ReadingSettings {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(replica, "replica");
    Objects.requireNonNull(serverName, "serverName");
    Objects.requireNonNull(limits, "limits");
  }

  /**
   * What it takes upon itself.
   *
   * @param connections at a time
   * @param downloads at a time that users have asked for, and as many for other replicas
   * @param download how long one may take; the API server lets a request take a minute. What is
   *     left is asked for anew
   * @param longPoll how long a download that follows waits for more
   * @param patience how long a reader may take for 64 KiB
   */
  public record Limits(
      int connections, int downloads, Duration download, Duration longPoll, Duration patience) {
    /** What the operator uses. */
    public static final Limits STANDARD =
        new Limits(128, 16, Duration.ofSeconds(30), Duration.ofSeconds(20), Duration.ofSeconds(10));

    public Limits {
      if (connections < 1 || downloads < 1) {
        throw new IllegalArgumentException("one request must have room");
      }
    }
  }
}
