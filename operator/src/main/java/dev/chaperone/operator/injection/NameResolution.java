package dev.chaperone.operator.injection;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.operator.injection.RawPod.Container;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A pod may say itself what address a host name has, for the gateway too: in its /etc/hosts and by
 * its name servers. Both are files that all containers of a pod share and that root may write in
 * any of them. Where the other side must prove its name a wrong address leads nowhere. Where it
 * need not, the agent could have the gateway log in through a relay of its own, and then speak in
 * its place.
 */
final class NameResolution {
  private static final Pattern NUMERIC = Pattern.compile("[0-9.]+");

  private NameResolution() {}

  /** The places where a pod decides what a host of these connections is. */
  static List<Refusal> of(
      RawPod pod,
      String namespace,
      List<SidecarConnection> connections,
      InjectionSettings settings) {
    List<Refusal> refusals = new ArrayList<>();
    Map<String, String> hosts = new LinkedHashMap<>();
    for (SidecarConnection connection : connections) {
      if (!connection.provesName() && !isAddress(connection.host())) {
        hosts.put(normal(connection.host()), "AgentConnection " + connection.name());
      }
    }
    if (!hosts.isEmpty()) {
      ofRoot(pod, hosts.values().iterator().next(), refusals);
    }
    if (settings.authority() instanceof OperatorAuthority.ConfigMap
        && !isAddress(settings.operator().host())) {
      // Whoever could also write that ConfigMap would be the operator.
      hosts.put(normal(settings.operator().host()), "the operator");
    }
    if (!hosts.isEmpty()) {
      ofHostAliases(pod, hosts, refusals);
      ofNameServers(pod, hosts, refusals);
      ofOwnName(pod, namespace, hosts, refusals);
    }
    return refusals;
  }

  private static void ofRoot(RawPod pod, String whose, List<Refusal> refusals) {
    Place ofPod = pod.spec().field("securityContext");
    for (Container container : pod.containers()) {
      Place own = container.place().field("securityContext");
      JsonNode user = effective(own, ofPod, "runAsUser").value();
      JsonNode nonRoot = effective(own, ofPod, "runAsNonRoot").value();
      boolean other = user.isIntegralNumber() && user.bigIntegerValue().signum() > 0;
      boolean checked = !user.isNumber() && nonRoot.isBoolean() && nonRoot.booleanValue();
      JsonNode escalation = own.field("allowPrivilegeEscalation").value();
      boolean stays = escalation.isBoolean() && !escalation.booleanValue();
      if (!(other || checked) || !stays) {
        refusals.add(
            new Refusal(
                RefusalReason.ROOT_WITH_UNPROVEN_NAME,
                own.path(),
                "may be or become root, and give the host of " + whose + " another address"));
      }
    }
  }

  /** What a container does not say itself, the pod says for all. */
  private static Place effective(Place own, Place ofPod, String field) {
    return own.field(field).isPresent() ? own.field(field) : ofPod.field(field);
  }

  private static void ofHostAliases(RawPod pod, Map<String, String> hosts, List<Refusal> refusals) {
    for (Place alias : pod.spec().field("hostAliases").items()) {
      for (Place name : alias.field("hostnames").items()) {
        String whose = hosts.get(normal(name.text()));
        if (whose != null) {
          refusals.add(refusal(name, "gives the host of " + whose + " another address"));
        }
      }
    }
  }

  private static void ofNameServers(RawPod pod, Map<String, String> hosts, List<Refusal> refusals) {
    String whose = hosts.values().iterator().next();
    Place policy = pod.spec().field("dnsPolicy");
    if (policy.text().equals("None")) {
      refusals.add(refusal(policy, "chooses the name servers that find the host of " + whose));
    }
    for (String list : List.of("nameservers", "searches")) {
      Place place = pod.spec().field("dnsConfig").field(list);
      if (place.isPresent() && !place.value().isEmpty()) {
        refusals.add(refusal(place, "decides where the host of " + whose + " is found"));
      }
    }
  }

  /** A pod's /etc/hosts has the pod's own name, with the pod's address. */
  private static void ofOwnName(
      RawPod pod, String namespace, Map<String, String> hosts, List<Refusal> refusals) {
    Place name = pod.metadata().field("name");
    for (String field : List.of("hostname", "hostnameOverride")) {
      if (pod.spec().field(field).isPresent()) {
        name = pod.spec().field(field);
      }
    }
    String own = normal(name.text());
    String domain = normal(pod.spec().field("subdomain").text());
    for (Map.Entry<String, String> host : hosts.entrySet()) {
      if (host.getKey().equals(own)
          || host.getKey().startsWith(own + "." + domain + "." + namespace + ".svc.")) {
        refusals.add(refusal(name, "is the host of " + host.getValue()));
      }
    }
  }

  private static Refusal refusal(Place place, String problem) {
    return new Refusal(RefusalReason.NAME_RESOLUTION, place.path(), problem);
  }

  private static boolean isAddress(String host) {
    return host.indexOf(':') >= 0 || NUMERIC.matcher(host).matches();
  }

  private static String normal(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
  }
}
