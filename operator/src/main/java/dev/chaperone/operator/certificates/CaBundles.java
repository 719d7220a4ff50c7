package dev.chaperone.operator.certificates;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.APIService;
import io.fabric8.kubernetes.api.model.APIServiceList;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.MutatingWebhook;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.MutatingWebhookConfiguration;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingWebhook;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingWebhookConfiguration;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.WebhookClientConfig;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Tells the API server whom to believe: the {@code caBundle} of every entry of both webhook
 * configurations of one name, and that of an APIService where there is to be one. Nothing else of
 * them is changed, and where they are missing they are not made.
 */
final class CaBundles {
  private static final System.Logger LOGGER = System.getLogger(CaBundles.class.getName());
  private static final int CONFLICT = 409;

  private final KubernetesClient client;
  private final String name;
  private final Optional<String> apiService;

  /**
   * Tells it.
   *
   * @param name of the MutatingWebhookConfiguration and of the ValidatingWebhookConfiguration
   * @param apiService the name of the APIService, where the operator serves one
   */
  CaBundles(KubernetesClient client, String name, Optional<String> apiService) {
    this.client = client;
    this.name = name;
    this.apiService = apiService;
  }

  Optional<Resource<APIService>> apiService() {
    return apiService.map(
        one -> client.resources(APIService.class, APIServiceList.class).withName(one));
  }

  Resource<MutatingWebhookConfiguration> mutating() {
    return client.admissionRegistration().v1().mutatingWebhookConfigurations().withName(name);
  }

  Resource<ValidatingWebhookConfiguration> validating() {
    return client.admissionRegistration().v1().validatingWebhookConfigurations().withName(name);
  }

  /**
   * Puts the bundle where it is not.
   *
   * @param bundle certificates in PEM
   * @throws IOException where the API server does not let it
   */
  void put(String bundle) throws IOException {
    String encoded = Base64.getEncoder().encodeToString(bundle.getBytes(StandardCharsets.US_ASCII));
    try {
      MutatingWebhookConfiguration mutating = mutating().get();
      if (mutating != null) {
        Map<String, WebhookClientConfig> entries = new HashMap<>();
        for (MutatingWebhook webhook : mutating.getWebhooks()) {
          entries.put(webhook.getName(), webhook.getClientConfig());
        }
        put(mutating(), mutating, entries, encoded);
      }
      ValidatingWebhookConfiguration validating = validating().get();
      if (validating != null) {
        Map<String, WebhookClientConfig> entries = new HashMap<>();
        for (ValidatingWebhook webhook : validating.getWebhooks()) {
          entries.put(webhook.getName(), webhook.getClientConfig());
        }
        put(validating(), validating, entries, encoded);
      }
    } catch (KubernetesClientException e) {
      throw new IOException(
          "the webhook configurations " + name + " cannot be kept, status " + e.getCode(), e);
    }
    apiService().ifPresent(resource -> put(resource, encoded));
  }

  /** Where that is refused, webhooks and sidecars are served all the same. */
  private static void put(Resource<APIService> resource, String bundle) {
    try {
      APIService found = resource.get();
      if (found == null || Objects.equals(found.getSpec().getCaBundle(), bundle)) {
        return;
      }
      ObjectNode patch = JsonNodeFactory.instance.objectNode();
      patch.putObject("metadata").put("resourceVersion", found.getMetadata().getResourceVersion());
      patch.putObject("spec").put("caBundle", bundle);
      resource.patch(PatchContext.of(PatchType.JSON_MERGE), patch.toString());
      LOGGER.log(System.Logger.Level.INFO, "authority made known kind={0}", found.getKind());
    } catch (KubernetesClientException e) {
      LOGGER.log(
          e.getCode() == CONFLICT ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING,
          "the APIService cannot be kept, status {0}",
          e.getCode());
    }
  }

  private static void put(
      Resource<?> resource,
      HasMetadata found,
      Map<String, WebhookClientConfig> entries,
      String bundle) {
    List<String> other = new ArrayList<>();
    entries.forEach(
        (entry, client) -> {
          if (!Objects.equals(client.getCaBundle(), bundle)) {
            other.add(entry);
          }
        });
    if (other.isEmpty()) {
      return;
    }
    ObjectNode patch = JsonNodeFactory.instance.objectNode();
    // A change in between would be a conflict: it is looked at first.
    patch.putObject("metadata").put("resourceVersion", found.getMetadata().getResourceVersion());
    ArrayNode webhooks = patch.putArray("webhooks");
    for (String entry : other) {
      webhooks.addObject().put("name", entry).putObject("clientConfig").put("caBundle", bundle);
    }
    try {
      resource.patch(PatchContext.of(PatchType.STRATEGIC_MERGE), patch.toString());
      LOGGER.log(
          System.Logger.Level.INFO,
          "authority made known kind={0} entries={1}",
          found.getKind(),
          other);
    } catch (KubernetesClientException e) {
      if (e.getCode() != CONFLICT) {
        throw e;
      }
      LOGGER.log(System.Logger.Level.DEBUG, "{0} was changed meanwhile", found.getKind());
    }
  }
}
