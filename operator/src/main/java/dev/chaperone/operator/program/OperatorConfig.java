package dev.chaperone.operator.program;

import dev.chaperone.operator.objects.BucketSettings;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What the administrator says, by environment variables: {@code chaperone.sidecar.image} is {@code
 * CHAPERONE_SIDECAR_IMAGE}.
 */
@ConfigMapping(prefix = "chaperone")
public interface OperatorConfig {

  /** The operator's own namespace. */
  String namespace();

  /** The name of the operator's Service. */
  @WithDefault("chaperone-operator")
  String service();

  /** The name of the operator's pod, for events and leader election. */
  Optional<String> pod();

  /** The gateway that is put into pods. */
  Sidecar sidecar();

  /** The server of the webhooks. */
  Webhook webhook();

  /** The server of the sidecars. */
  Channel channel();

  /** Certificates. */
  Certificates certificates();

  /** Approval requests. */
  Kept request();

  /** Sessions. */
  Kept session();

  /** The store of recordings. */
  Recordings recordings();

  /** Reading recordings through the API server. */
  Reading reading();

  /** The gateway that is put into pods. */
  interface Sidecar {
    /** Its image. */
    String image();

    /** When it is pulled: Always, IfNotPresent or Never. */
    @WithDefault("IfNotPresent")
    String pullPolicy();

    /** Its user and group, 10000 to 65533. */
    @WithDefault("64532")
    long uid();

    /** A quantity. */
    @WithDefault("50m")
    String cpuRequest();

    /** A quantity. */
    @WithDefault("128Mi")
    String memoryRequest();

    /** A quantity. */
    @WithDefault("256Mi")
    String memoryLimit();

    /** The most that the journal may hold on the node, a quantity. */
    @WithDefault("1024Mi")
    String journalSize();

    /** The most that files in memory may hold, a quantity. */
    @WithDefault("32Mi")
    String memorySize();
  }

  /** The server of the webhooks. */
  interface Webhook {
    /** Where it listens. */
    @WithDefault("8443")
    int port();

    /** The name of both webhook configurations. */
    @WithDefault("chaperone-pods")
    String configuration();
  }

  /** The server of the sidecars. */
  interface Channel {
    /** Where it listens; the Service has it under the same number. */
    @WithDefault("8444")
    int port();
  }

  /** Certificates; each is renewed at two thirds of its life. */
  interface Certificates {
    /** The life of an authority of the operator's own, as an ISO duration. */
    @WithDefault("P3650D")
    Duration authorityLife();

    /** The life of a serving certificate, as an ISO duration. */
    @WithDefault("P7D")
    Duration servingLife();

    /**
     * Whether somebody else issues the authority and renews it, such as cert-manager; else it is
     * the operator's own.
     */
    @WithDefault("false")
    boolean issued();

    /** Other names that the operator is called by. */
    @WithName("names")
    Optional<List<String>> furtherNames();
  }

  /** The store of recordings; sizes are quantities. */
  interface Recordings {
    /** On a volume of this replica alone; without it, recordings stay with the sidecars. */
    Optional<String> directory();

    /** The most that it holds. */
    @WithDefault("8Gi")
    String size();

    /** The most that one pod may fill of it. */
    @WithDefault("2Gi")
    String podSize();

    /** How much of one session may wait to be stored before nothing more can be recorded. */
    @WithDefault("256Mi")
    String mostUnstored();

    /** Object storage, where recordings are brought from the volume. */
    Objects objects();
  }

  /** A bucket that speaks S3. */
  interface Objects {
    /** Its name; without it, recordings stay on the volume. */
    Optional<String> bucket();

    /** Before all names of objects, with a slash at its end. */
    Optional<String> prefix();

    /** Where it is; by default what the environment says. */
    Optional<String> region();

    /** Of a storage that is not the region's own. */
    Optional<URI> endpoint();

    /** Whether the bucket's name is in the path, and not in the host's name. */
    @WithDefault("false")
    boolean pathStyle();

    /** A directory with access-key-id and secret-access-key; by default the default chain. */
    Optional<String> credentialsDirectory();

    /** Certificates in PEM that the endpoint is believed by. */
    Optional<String> caFile();

    /** The key of AWS KMS that objects are encrypted with. */
    Optional<String> kmsKey();

    /** GOVERNANCE or COMPLIANCE: objects are locked until their retention is over. */
    Optional<BucketSettings.Lock> lock();

    /** How long what a session adds may wait, as an ISO duration. */
    @WithDefault("PT5M")
    Duration interval();

    /** How long the volume keeps what was uploaded, where there is room, as an ISO duration. */
    @WithDefault("PT24H")
    Duration keepLocally();
  }

  /** The server behind the API server's aggregation layer. */
  interface Reading {
    /** Where it listens, on every replica the same; without it, recordings are not served. */
    OptionalInt port();

    /** The address that it listens on. */
    @WithDefault("0.0.0.0")
    String host();
  }

  /** How long something that is over is kept. */
  interface Kept {
    /** An ISO duration; by default 7 days for requests and 30 days for sessions. */
    Optional<Duration> retention();
  }
}
