package dev.chaperone.operator.injection;

import dev.chaperone.operator.injection.RawPod.Container;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;

/**
 * What in a pod would let the agent at the gateway's files, memory, traffic or token. What cannot
 * be seen in a pod is listed in docs/injection.md.
 */
final class PodRisks {
  /**
   * With these a process reaches out of its container: into processes and kernel (SYS_PTRACE,
   * SYS_ADMIN, SYS_MODULE, SYS_RAWIO, BPF, PERFMON), files of the node by handle (DAC_READ_SEARCH),
   * the network that the pod shares (NET_ADMIN, NET_RAW).
   */
  private static final Set<String> CAPABILITIES =
      Set.of(
          "ALL",
          "BPF",
          "DAC_READ_SEARCH",
          "NET_ADMIN",
          "NET_RAW",
          "PERFMON",
          "SYS_ADMIN",
          "SYS_MODULE",
          "SYS_PTRACE",
          "SYS_RAWIO");

  /** A directory of the node, a disk of the node, and files that a program of the node fetches. */
  private static final List<String> NODE_VOLUMES = List.of("hostPath", "local", "gitRepo");

  private PodRisks() {}

  /**
   * What no pod of the namespace may have, agent or not: who may make pods could otherwise read the
   * credential with another one.
   *
   * @param isGateway tells by its pointer what is the gateway's own
   */
  static List<Refusal> ofAnyPod(RawPod pod, Set<String> guarded, Predicate<String> isGateway) {
    List<Refusal> risks = new ArrayList<>();
    for (Place reference : SecretReferences.find(pod.spec(), guarded, isGateway)) {
      String problem = "Secret " + reference.text() + " is for the gateway only";
      risks.add(new Refusal(RefusalReason.GUARDED_SECRET, reference.path(), problem));
    }
    pod.spec()
        .visit(
            isGateway,
            place -> {
              if (place.lastField().equals("audience")
                  && place.text().equals(GatewayNames.AUDIENCE)) {
                risks.add(
                    new Refusal(
                        RefusalReason.GATEWAY_TOKEN,
                        place.path(),
                        "tokens of audience "
                            + GatewayNames.AUDIENCE
                            + " are for the gateway only"));
              }
            });
    return risks;
  }

  /**
   * What a pod with a gateway may not have besides.
   *
   * @param gatewayUser the gateway's user and group
   * @param isGateway tells by its pointer what is the gateway's own
   */
  static List<Refusal> ofAgent(RawPod pod, long gatewayUser, Predicate<String> isGateway) {
    List<Refusal> risks = new ArrayList<>();
    Place spec = pod.spec();
    refuseIfOn(spec.field("hostPID"), RefusalReason.HOST_PID, risks);
    refuseIfOn(spec.field("hostNetwork"), RefusalReason.HOST_NETWORK, risks);
    refuseIfOn(spec.field("hostIPC"), RefusalReason.HOST_IPC, risks);
    refuseIfOn(spec.field("shareProcessNamespace"), RefusalReason.SHARED_PROCESSES, risks);
    Place system = spec.field("os").field("name");
    if (system.isPresent() && !system.text().equals("linux")) {
      risks.add(new Refusal(RefusalReason.NOT_LINUX, system.path(), "is not linux"));
    }
    for (Place volume : pod.volumes()) {
      for (String kind : NODE_VOLUMES) {
        if (volume.field(kind).isPresent()) {
          risks.add(
              new Refusal(
                  RefusalReason.NODE_VOLUME, volume.field(kind).path(), "leads to the node"));
        }
      }
    }
    for (Place sysctl : spec.field("securityContext").field("sysctls").items()) {
      // With dots or with slashes, for one interface or for all.
      if (sysctl.field("name").text().contains("route_localnet")) {
        risks.add(
            new Refusal(
                RefusalReason.LOOPBACK_EXPOSED, sysctl.path(), "routes to the loopback interface"));
      }
    }
    ofSecurityContext(spec.field("securityContext"), gatewayUser, risks);
    for (Container container : pod.containers()) {
      if (!isGateway.test(container.place().pointer())) {
        ofSecurityContext(container.place().field("securityContext"), gatewayUser, risks);
        ofReferences(container.place(), risks);
      }
    }
    return risks;
  }

  private static void ofSecurityContext(Place context, long gatewayUser, List<Refusal> risks) {
    refuseIfOn(context.field("privileged"), RefusalReason.PRIVILEGED, risks);
    refuseIfOn(
        context.field("windowsOptions").field("hostProcess"), RefusalReason.NOT_LINUX, risks);
    Place proc = context.field("procMount");
    if (proc.isPresent() && !proc.text().equals("Default")) {
      risks.add(new Refusal(RefusalReason.UNMASKED_PROC, proc.path(), "is not Default"));
    }
    for (Place added : context.field("capabilities").field("add").items()) {
      String capability = added.text().strip().toUpperCase(Locale.ROOT);
      String name = capability.startsWith("CAP_") ? capability.substring(4) : capability;
      if (CAPABILITIES.contains(name)) {
        risks.add(new Refusal(RefusalReason.CAPABILITY, added.path(), "adds capability " + name));
      }
    }
    for (String field : List.of("runAsUser", "runAsGroup")) {
      Place id = context.field(field);
      if (!id.isPresent()) {
        continue;
      }
      if (!id.value().isIntegralNumber() || !id.value().canConvertToLong()) {
        risks.add(new Refusal(RefusalReason.GATEWAY_USER, id.path(), "is no user or group"));
      } else if (id.value().asLong() == gatewayUser) {
        String problem = gatewayUser + " is the gateway's own";
        risks.add(new Refusal(RefusalReason.GATEWAY_USER, id.path(), problem));
      }
    }
  }

  private static void ofReferences(Place container, List<Refusal> risks) {
    for (String list : List.of("volumeMounts", "volumeDevices")) {
      for (Place use : container.field(list).items()) {
        refuseIfGatewayVolume(use.field("name"), risks);
      }
    }
    container.visit(
        pointer -> false,
        place -> {
          // A variable may be read from a file of a volume that the container does not mount.
          if (place.lastField().equals("volumeName")) {
            refuseIfGatewayVolume(place, risks);
          }
        });
    Place debugged = container.field("targetContainerName");
    if (debugged.text().equals(GatewayNames.CONTAINER)) {
      risks.add(
          new Refusal(
              RefusalReason.DEBUGS_GATEWAY,
              debugged.path(),
              "would share the gateway's process namespace"));
    }
  }

  private static void refuseIfGatewayVolume(Place name, List<Refusal> risks) {
    if (GatewayNames.VOLUMES.contains(name.text())) {
      risks.add(
          new Refusal(
              RefusalReason.GATEWAY_VOLUME,
              name.path(),
              "volume " + name.text() + " is the gateway's own"));
    }
  }

  /** Anything but absent and false is on. */
  private static void refuseIfOn(Place place, RefusalReason reason, List<Refusal> risks) {
    if (place.isPresent() && !(place.value().isBoolean() && !place.value().booleanValue())) {
      risks.add(new Refusal(reason, place.path(), "is on"));
    }
  }
}
