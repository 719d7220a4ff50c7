package dev.chaperone.operator.injection;

/** Why a pod is refused. Each reason names itself in events, and knows the way out. */
public enum RefusalReason {
  /** The pod has not the form of a pod. */
  MALFORMED_POD("MalformedPod", "correct the pod"),
  /** A connection that selects the pod cannot be served. */
  INVALID_CONNECTION("InvalidConnection", "correct the AgentConnection"),
  /** Two connections that select the pod listen on one port. */
  PORT_CONFLICT("PortConflict", "give each connection of the pod a listen.port of its own"),
  /** Two connections that select the pod set one variable. */
  VARIABLE_CONFLICT(
      "VariableConflict",
      "set environment.prefix of one of the connections, such as ORDERS for ORDERS_PGHOST"),
  /** A container sets a variable that a connection sets. */
  VARIABLE_TAKEN(
      "VariableTaken",
      "remove the variable, or set environment.prefix of the AgentConnection, such as ORDERS for"
          + " ORDERS_PGHOST"),
  /** The pod has a container with the name of the gateway's that is not the gateway. */
  RESERVED_CONTAINER("ReservedContainerName", "give the container another name"),
  /** The pod has a volume with a name of the gateway's that is not the gateway's. */
  RESERVED_VOLUME("ReservedVolumeName", "give the volume another name"),
  /** Another container uses a volume of the gateway. */
  GATEWAY_VOLUME("GatewayVolumeUsed", "use a volume of your own"),
  /** The pod uses a Secret that only the gateway may use. */
  GUARDED_SECRET(
      "GuardedSecretUsed",
      "remove the reference: agents reach the target through the gateway, and other workloads need"
          + " a credential and a Secret of their own"),
  /** The pod asks for a token that Chaperone's APIs accept. */
  GATEWAY_TOKEN("GatewayTokenRequested", "use another audience"),
  /** The pod joins the node's processes. */
  HOST_PID(
      "HostPid", "remove it: on the node's process namespace the gateway's files are in reach"),
  /** The pod joins the node's network. */
  HOST_NETWORK("HostNetwork", "remove it: on the node's network other pods could use the gateway"),
  /** The pod joins the node's inter-process communication. */
  HOST_IPC("HostIpc", "remove it: the gateway would share memory with the node"),
  /** The containers of the pod see each other's processes. */
  SHARED_PROCESSES(
      "SharedProcessNamespace",
      "remove it: through /proc the agent could read the gateway's files"),
  /** The pod mounts or fills a volume from the node. */
  NODE_VOLUME(
      "NodeVolume",
      "use another kind of volume: the gateway's files are among the files of the node"),
  /** A container has all rights of the node. */
  PRIVILEGED(
      "Privileged", "remove it: a privileged container reads the gateway's memory and files"),
  /** A container sees the unmasked process file system. */
  UNMASKED_PROC("UnmaskedProc", "remove it, or set it to Default"),
  /** A container asks for a capability that reaches into other containers. */
  CAPABILITY("DangerousCapability", "remove it: it reaches beyond the agent's own container"),
  /** The pod lets other machines reach its loopback interface. */
  LOOPBACK_EXPOSED(
      "LoopbackExposed", "remove it: the gateway trusts who reaches it on the loopback interface"),
  /** A container runs as the gateway's user or group. */
  GATEWAY_USER("GatewayUser", "choose another number"),
  /** The pod is not for Linux, or runs as a process of a Windows node. */
  NOT_LINUX("NotLinux", "the gateway runs on Linux only"),
  /** An ephemeral container joins the gateway's processes. */
  DEBUGS_GATEWAY("DebugsGateway", "target one of the agent's containers"),
  /** The pod decides itself what a host name means. */
  NAME_RESOLUTION(
      "NameResolution",
      "remove it; where it is the host of a target, target.tls.mode: VerifyFull of the connection"
          + " makes a wrong address harmless"),
  /** A container that may be root could change the files that say what a host name means. */
  ROOT_WITH_UNPROVEN_NAME(
      "RootWithUnprovenName",
      "set runAsNonRoot: true (or runAsUser) and allowPrivilegeEscalation: false, or let the target"
          + " prove its name with target.tls.mode: VerifyFull, or name it by its address"),
  /** The pod's service account may read the credential. */
  PRIVILEGED_ACCOUNT(
      "PrivilegedServiceAccount",
      "give the pod a service account of its own that may not read Secrets, or take that permission"
          + " away, or say agents.refusePrivileged: false in the AgentConnection"),
  /** The gateway is missing from a pod that needs one. */
  GATEWAY_MISSING(
      "GatewayMissing",
      "the mutating webhook of Chaperone did not see the pod; see docs/injection.md"),
  /** What stands in for the gateway is not what Chaperone puts in. */
  GATEWAY_DIFFERS(
      "GatewayDiffers",
      "nothing but Chaperone may set it: if another webhook changes it, exclude the container"
          + " chaperone there"),
  /** An update changes the gateway of a running pod. */
  GATEWAY_CHANGED(
      "GatewayChanged",
      "only the other containers may be changed; replace the pod for a new gateway"),
  /** A container lacks what Chaperone adds to it. */
  CONTAINER_NOT_PREPARED(
      "ContainerNotPrepared",
      "it was added after Chaperone had seen the pod, or changed by another webhook; see"
          + " docs/injection.md");

  private final String eventReason;
  private final String wayOut;

  RefusalReason(String eventReason, String wayOut) {
    this.eventReason = eventReason;
    this.wayOut = wayOut;
  }

  /** The reason of the event, in UpperCamelCase. */
  public String eventReason() {
    return eventReason;
  }

  /** What its author can do. */
  public String wayOut() {
    return wayOut;
  }
}
