package dev.chaperone.control.translation;

import dev.chaperone.crds.v1alpha1.ChannelBinding;
import dev.chaperone.crds.v1alpha1.Durability;
import dev.chaperone.crds.v1alpha1.OnUnavailable;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.RecordedResponses;
import dev.chaperone.crds.v1alpha1.TlsMode;
import dev.chaperone.crds.v1alpha1.TlsNegotiation;
import dev.chaperone.policy.Limits;
import dev.chaperone.policy.Requester;
import dev.chaperone.policy.Subject;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Everything the gateway needs to serve one connection. Compared by value, so that a change of
 * anything, a password included, is seen.
 *
 * @param namespace the namespace of the AgentConnection
 * @param name the name of the AgentConnection
 * @param protocol what is spoken
 * @param target where the target is
 * @param tls how it is reached
 * @param credentials what the gateway logs in with
 * @param listenPort where the gateway listens
 * @param listenTls TLS towards the agent; empty where the port takes connections in clear alone
 * @param bounds what one agent may make the gateway hold
 * @param limits what the policies in force let a session use
 * @param recording what is remembered
 * @param lease how long it stays in force while the operator is away; without meaning where there
 *     is none
 * @param suspended whether client connections are refused and closed
 * @param agent who the agent is
 * @param pod where the agent runs
 */
public record ConnectionConfiguration(
    String namespace,
    String name,
    Protocol protocol,
    Target target,
    Tls tls,
    Credentials credentials,
    int listenPort,
    Optional<ListenTls> listenTls,
    Bounds bounds,
    Limits limits,
    Recording recording,
    Duration lease,
    boolean suspended,
    Subject agent,
    AgentPod pod) {
  public ConnectionConfiguration {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(protocol, "protocol");
    Objects.requireNonNull(target, "target");
    Objects.requireNonNull(tls, "tls");
    Objects.requireNonNull(credentials, "credentials");
    Objects.requireNonNull(listenTls, "listenTls");
    Objects.requireNonNull(bounds, "bounds");
    Objects.requireNonNull(limits, "limits");
    Objects.requireNonNull(recording, "recording");
    Objects.requireNonNull(lease, "lease");
    Objects.requireNonNull(agent, "agent");
    Objects.requireNonNull(pod, "pod");
  }

  /**
   * The pod the agent runs in.
   *
   * @param uid as the cluster says; {@link #STANDALONE} where there is no cluster
   */
  public record AgentPod(String name, String uid) {
    /** What stands in for the uid of a Pod that is only a file. */
    public static final String STANDALONE = "standalone";
  }

  /** Where a target is. */
  public record Target(String host, int port, String database) {}

  /**
   * How a target is reached.
   *
   * @param serverName the name to ask for and to verify: the target's host unless the connection
   *     says otherwise
   * @param certificateAuthorities the certificates to trust, in PEM, instead of the system's
   * @param clientCertificate what the gateway proves itself with: a credential, like the password
   * @param channelBinding whether the log-in is bound to the target's certificate
   * @param negotiation how TLS is begun
   */
  public record Tls(
      TlsMode mode,
      String serverName,
      Optional<SecretBytes> certificateAuthorities,
      Optional<CertifiedKey> clientCertificate,
      ChannelBinding channelBinding,
      TlsNegotiation negotiation) {

    /** Whether the target has to prove the same in the same way, whoever the gateway is to it. */
    boolean asksTheSameAs(Tls other) {
      return withoutClientCertificate().equals(other.withoutClientCertificate());
    }

    private Tls withoutClientCertificate() {
      return new Tls(
          mode, serverName, certificateAuthorities, Optional.empty(), channelBinding, negotiation);
    }
  }

  /**
   * TLS towards the agent.
   *
   * @param key what the gateway shows the agent
   * @param required whether client connections in clear are refused
   */
  public record ListenTls(CertifiedKey key, boolean required) {}

  /** A user name and a password. */
  public record Credentials(String username, SecretBytes password) {
    @Override
    public String toString() {
      return "Credentials[(secret)]";
    }
  }

  /** What one agent may make the gateway hold. */
  public record Bounds(int clientConnections, long statementBytes, long messageBytes) {}

  /**
   * What is remembered of a session.
   *
   * @param responses what is kept of responses
   * @param maxRowsPerOperation rows that are kept of one operation at most
   * @param onUnavailable what happens while nothing can be recorded
   * @param durability when an event is on disk
   * @param retention how long a recording is kept
   */
  public record Recording(
      RecordedResponses responses,
      int maxRowsPerOperation,
      OnUnavailable onUnavailable,
      Durability durability,
      Duration retention) {}

  /** Who asks through this connection, as policy sees it. */
  public Requester requester() {
    return new Requester(agent, namespace, name, Map.of("database", target.database()));
  }

  /** Whether it leads to the same target by the same way, with whatever credential. */
  public boolean hasTargetOf(ConnectionConfiguration other) {
    return target.equals(other.target()) && tls.asksTheSameAs(other.tls());
  }

  /** The same connection with another target; TLS still verifies the name it did before. */
  public ConnectionConfiguration withTarget(String host, int port) {
    return new ConnectionConfiguration(
        namespace,
        name,
        protocol,
        new Target(host, port, target.database()),
        tls,
        credentials,
        listenPort,
        listenTls,
        bounds,
        limits,
        recording,
        lease,
        suspended,
        agent,
        pod);
  }

  /** The same connection on another port. */
  public ConnectionConfiguration withListenPort(int port) {
    return new ConnectionConfiguration(
        namespace,
        name,
        protocol,
        target,
        tls,
        credentials,
        port,
        listenTls,
        bounds,
        limits,
        recording,
        lease,
        suspended,
        agent,
        pod);
  }

  /** The same connection, refusing clients. */
  public ConnectionConfiguration asSuspended() {
    return new ConnectionConfiguration(
        namespace,
        name,
        protocol,
        target,
        tls,
        credentials,
        listenPort,
        listenTls,
        bounds,
        limits,
        recording,
        lease,
        true,
        agent,
        pod);
  }
}
