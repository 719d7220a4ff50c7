package dev.chaperone.operator.webhook;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.translation.Judgement;
import dev.chaperone.operator.access.AccessReviews;
import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.admission.AdmissionRequest.Operation;
import dev.chaperone.policy.Names;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Judges connections and policies as they are about to be stored, in the words of a gateway that
 * reads them from a directory. Whoever writes a connection must be allowed to use the Secrets it
 * names: by the verb {@code use}, which lets nobody read them, or because they may read them
 * anyway.
 */
public final class ResourceWebhook implements AdmissionHandler {
  private static final String CONNECTIONS = "agentconnections";
  private static final String POLICIES = "accesspolicies";
  private static final int MOST_SHOWN = 20;

  private final ConnectionSource connections;
  private final AccessReviews reviews;

  public ResourceWebhook(ConnectionSource connections, AccessReviews reviews) {
    this.connections = connections;
    this.reviews = reviews;
  }

  @Override
  public AdmissionAnswer answer(AdmissionRequest request) throws IOException {
    boolean connection = request.resource().equals(CONNECTIONS);
    if ((!connection && !request.resource().equals(POLICIES)) || !request.subResource().isEmpty()) {
      return AdmissionAnswer.refused(
          "NotAResourceRequest",
          "Chaperone's webhook for resources was asked about "
              + request
              + ": correct the rules of the ValidatingWebhookConfiguration");
    }
    // Labels and finalizers can be changed whatever this version thinks of what is stored.
    if (request.operation() == Operation.DELETE
        || (request.operation() == Operation.UPDATE
            && request.object().path("spec").equals(request.oldObject().path("spec")))) {
      return AdmissionAnswer.allowed();
    }
    List<String> problems = new ArrayList<>();
    for (Problem problem : Judgement.of(name(request), bytes(request.object()))) {
      problems.add((problem.path().isEmpty() ? "" : problem.path() + ": ") + problem.message());
    }
    if (connection && problems.isEmpty()) {
      checkSecrets(request, problems);
    }
    if (!problems.isEmpty()) {
      return refused(request, problems);
    }
    return connection
        ? AdmissionAnswer.allowed()
        : new AdmissionAnswer.Allowed(missingConnections(request));
  }

  private static String name(AdmissionRequest request) {
    return (request.resource().equals(CONNECTIONS) ? "AgentConnection " : "AccessPolicy ")
        + request.object().path("metadata").path("name").asText(request.name());
  }

  private static byte[] bytes(JsonNode object) {
    return object.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static AdmissionAnswer refused(AdmissionRequest request, List<String> problems) {
    StringBuilder message =
        new StringBuilder("Chaperone refuses ").append(name(request)).append(":");
    problems.stream().limit(MOST_SHOWN).forEach(p -> message.append("\n- ").append(p));
    if (problems.size() > MOST_SHOWN) {
      message.append("\n- and ").append(problems.size() - MOST_SHOWN).append(" more");
    }
    return AdmissionAnswer.refused("InvalidResource", message.toString());
  }

  /**
   * The kill switch is for whoever may change the connection: it lets nobody use anything. Any
   * other change could lead the credential elsewhere, or to other agents.
   */
  private static boolean onlySuspends(AdmissionRequest request) {
    return request.operation() == Operation.UPDATE
        && withoutSuspended(request.object()).equals(withoutSuspended(request.oldObject()))
        && request.object().path("spec").path("suspended").asBoolean(false);
  }

  private static JsonNode withoutSuspended(JsonNode connection) {
    JsonNode spec = connection.path("spec").deepCopy();
    if (spec instanceof ObjectNode object) {
      object.remove("suspended");
    }
    return spec;
  }

  private void checkSecrets(AdmissionRequest request, List<String> problems) throws IOException {
    if (onlySuspends(request)) {
      return;
    }
    for (String secret : secrets(request.object().path("spec"))) {
      if (!may("use", request, secret) && !may("get", request, secret)) {
        problems.add(
            request.user().name()
                + " may neither use nor get Secret "
                + secret
                + " in namespace "
                + request.namespace()
                + ", so they may not let agents use it; have a Role grant them the verb use on"
                + " this Secret (resources: [secrets], resourceNames: ["
                + secret
                + "], verbs: [use]), which lets nobody read it");
      }
    }
  }

  private boolean may(String verb, AdmissionRequest request, String secret) throws IOException {
    return reviews.allowed(
        AccessReviews.Question.ofSecret(request.user(), verb, request.namespace(), secret));
  }

  /** All that it names; there are at most four. */
  private static SortedSet<String> secrets(JsonNode spec) {
    SortedSet<String> secrets = new TreeSet<>();
    JsonNode tls = spec.path("target").path("tls");
    for (JsonNode reference :
        List.of(
            spec.path("credentials").path("secretRef"),
            tls.path("caSecretRef"),
            tls.path("clientCertificateSecretRef"),
            spec.path("listen").path("tls").path("secretRef"))) {
      if (reference.path("name").isTextual()) {
        secrets.add(reference.path("name").asText());
      }
    }
    return secrets;
  }

  /** No mistake: the connection may come later. */
  private List<String> missingConnections(AdmissionRequest request) {
    List<String> known;
    try {
      known =
          connections.connections(request.namespace()).stream()
              .map(connection -> connection.getMetadata().getName())
              .toList();
    } catch (IOException e) {
      return List.of("whether the connections exist could not be looked up: " + e.getMessage());
    }
    List<String> warnings = new ArrayList<>();
    for (JsonNode name : request.object().path("spec").path("connections")) {
      if (!known.contains(name.asText())) {
        warnings.add(
            "there is no AgentConnection \""
                + name.asText()
                + "\" in namespace "
                + request.namespace()
                + " yet"
                + Names.nearest(name.asText(), known)
                    .map(nearest -> "; did you mean \"" + nearest + "\"?")
                    .orElse(""));
      }
    }
    return warnings;
  }
}
