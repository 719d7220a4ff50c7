package dev.chaperone.operator.distribution;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.operator.distribution.SidecarConfiguration.Stamp;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What one sidecar says of itself and its connections: written by the replica it talks to, read by
 * the leader. Bounded by those who make it.
 *
 * @param namespace of the pod
 * @param ready whether it takes clients
 * @param why it does not; empty where it does
 * @param connections those that it was told to serve last, and has answered
 * @param policiesInForce those that it enforces
 * @param problems why the last configuration is not in force; empty where it is
 * @param conditions by connection
 */
public record SidecarReport(
    String namespace,
    String pod,
    String uid,
    boolean ready,
    String why,
    List<ResourceGeneration> connections,
    List<ResourceGeneration> policiesInForce,
    List<String> problems,
    Map<String, List<Condition>> conditions) {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .setDefaultPropertyInclusion(JsonInclude.Include.NON_NULL)
          .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);

  public SidecarReport {
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(pod, "pod");
    Objects.requireNonNull(uid, "uid");
    why = Objects.requireNonNullElse(why, "");
    connections = List.copyOf(Conditions.list(connections));
    policiesInForce = List.copyOf(Conditions.list(policiesInForce));
    problems = List.copyOf(Conditions.list(problems));
    // In order, so that the same report is the same text.
    conditions = new TreeMap<>(Objects.requireNonNullElse(conditions, Map.of()));
  }

  /** Of a sidecar that has said nothing yet. */
  static SidecarReport empty(String namespace, String pod, String uid) {
    return new SidecarReport(
        namespace, pod, uid, true, "", List.of(), List.of(), List.of(), Map.of());
  }

  @Override
  public Map<String, List<Condition>> conditions() {
    return new TreeMap<>(conditions);
  }

  /** The same, with a configuration in force. */
  SidecarReport applied(Stamp stamp) {
    return new SidecarReport(
        namespace,
        pod,
        uid,
        ready,
        why,
        stamp.connections(),
        stamp.policies(),
        List.of(),
        of(stamp.connections()));
  }

  /** The same, with a configuration that is not in force. */
  SidecarReport rejected(Stamp stamp, List<String> newProblems) {
    return new SidecarReport(
        namespace,
        pod,
        uid,
        ready,
        why,
        stamp.connections(),
        policiesInForce,
        newProblems,
        of(stamp.connections()));
  }

  /** Of connections that are not served any more, nothing is known. */
  private Map<String, List<Condition>> of(List<ResourceGeneration> served) {
    Map<String, List<Condition>> kept = new TreeMap<>(conditions);
    kept.keySet().retainAll(served.stream().map(ResourceGeneration::name).toList());
    return kept;
  }

  /** The same, with what was found out about a connection. */
  SidecarReport with(String connection, List<Condition> found) {
    Map<String, List<Condition>> all = new TreeMap<>(conditions);
    all.put(connection, List.copyOf(found));
    return new SidecarReport(
        namespace, pod, uid, ready, why, connections, policiesInForce, problems, all);
  }

  /** The same, with how the sidecar is. */
  SidecarReport health(boolean newReady, String newWhy) {
    return new SidecarReport(
        namespace, pod, uid, newReady, newWhy, connections, policiesInForce, problems, conditions);
  }

  String json() {
    try {
      return JSON.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Reads what json wrote; empty where somebody else has. */
  static Optional<SidecarReport> parse(String json) {
    if (json == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(JSON.readValue(json, SidecarReport.class));
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }
}
