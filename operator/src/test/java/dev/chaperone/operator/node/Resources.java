package dev.chaperone.operator.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.chaperone.operator.testing.Api;
import dev.chaperone.operator.testing.Api.Answer;
import dev.chaperone.operator.testing.TestCluster;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** The custom resources of one namespace, as the API server has them. */
final class Resources {
  private final TestCluster cluster;
  private final String namespace;

  Resources(TestCluster cluster, String namespace) {
    this.cluster = cluster;
    this.namespace = namespace;
  }

  /** Where those of a kind are. */
  String path(String plural) {
    return "/apis/chaperone.dev/v1alpha1/namespaces/" + namespace + "/" + plural;
  }

  JsonNode get(String plural, String name) {
    return cluster.api().get(path(plural) + "/" + name).body();
  }

  Stream<JsonNode> list(String plural) {
    return StreamSupport.stream(
        cluster.api().get(path(plural)).body().path("items").spliterator(), false);
  }

  private Optional<JsonNode> find(String plural, Predicate<JsonNode> which) {
    return list(plural).filter(which).findFirst();
  }

  /** A merge patch by the administrator, which is taken. */
  void change(String plural, String name, String patch) {
    Answer answer = cluster.api().patch(path(plural) + "/" + name, Api.MERGE_PATCH, patch);
    assertThat(answer.accepted()).as(answer.toString()).isTrue();
  }

  /** The names of that pod's sessions on that connection; each start of its gateway has one. */
  List<String> sessions(String pod, String connection) {
    return list("agentsessions")
        .filter(of(pod, connection))
        .map(one -> one.at("/metadata/name").asText())
        .toList();
  }

  /** The name of that pod's session on that connection; the pod has one as soon as it is served. */
  String session(String pod, String connection) {
    await()
        .atMost(Installation.SOON)
        .until(() -> find("agentsessions", of(pod, connection)).isPresent());
    return find("agentsessions", of(pod, connection)).orElseThrow().at("/metadata/name").asText();
  }

  private static Predicate<JsonNode> of(String pod, String connection) {
    return session ->
        session.at("/spec/pod").asText().equals(pod)
            && session.at("/spec/connection").asText().equals(connection);
  }

  String sessionPhase(String session) {
    return get("agentsessions", session).at("/status/phase").asText();
  }

  /** Waits for a request that is pending for a statement with that text; returns its name. */
  String awaitRequest(String text) {
    await().atMost(Installation.SOON).until(() -> request(text).isPresent());
    return request(text).orElseThrow().at("/metadata/name").asText();
  }

  private Optional<JsonNode> request(String text) {
    return find(
        "approvalrequests",
        one ->
            one.at("/spec/request/operation/text").asText().contains(text)
                && one.at("/status/phase").asText().equals("Pending"));
  }

  String phase(String request) {
    return get("approvalrequests", request).at("/status/phase").asText();
  }
}
