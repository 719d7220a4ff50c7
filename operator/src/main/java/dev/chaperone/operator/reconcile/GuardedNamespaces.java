package dev.chaperone.operator.reconcile;

import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.operator.distribution.ApiErrors;
import dev.chaperone.operator.distribution.ClusterView;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/**
 * Labels the namespaces that have a connection: pods there are not admitted without the operator.
 * Asks the API server which have the label where something may be different than before, and once
 * in a while all the same: nobody else puts right what somebody has changed. The label is taken
 * away only where the API server itself knows no connection: what was seen may be old.
 */
final class GuardedNamespaces {
  /** Where pods are admitted by the operator alone. */
  static final String LABEL = "chaperone.dev/guarded";

  private static final System.Logger LOGGER = System.getLogger(GuardedNamespaces.class.getName());

  private static final long AGAIN_NANOS = TimeUnit.SECONDS.toNanos(20);

  private final KubernetesClient client;
  private final ClusterView view;
  private final BooleanSupplier leads;
  private Set<String> done;
  private long doneAt;

  GuardedNamespaces(KubernetesClient client, ClusterView view, BooleanSupplier leads) {
    this.client = client;
    this.view = view;
    this.leads = leads;
  }

  /** Puts right what is not. */
  void sweep() {
    Set<String> wanted =
        view.connections().stream()
            .map(connection -> connection.getMetadata().getNamespace())
            .collect(Collectors.toSet());
    long now = System.nanoTime();
    if (wanted.equals(done) && now - doneAt < AGAIN_NANOS) {
      return;
    }
    Set<String> labelled =
        client.namespaces().withLabel(LABEL, "true").list().getItems().stream()
            .map(namespace -> namespace.getMetadata().getName())
            .collect(Collectors.toSet());
    for (String namespace : wanted) {
      if (!labelled.contains(namespace)) {
        label(namespace, "\"true\"");
      }
    }
    for (String namespace : labelled) {
      if (!wanted.contains(namespace) && !hasConnection(namespace)) {
        label(namespace, "null");
      }
    }
    done = new HashSet<>(wanted);
    doneAt = now;
  }

  private boolean hasConnection(String namespace) {
    return !client
        .resources(AgentConnection.class)
        .inNamespace(namespace)
        .list(new ListOptionsBuilder().withLimit(1L).build())
        .getItems()
        .isEmpty();
  }

  private void label(String namespace, String value) {
    if (!leads.getAsBoolean()) {
      return;
    }
    try {
      client
          .namespaces()
          .withName(namespace)
          .patch(
              PatchContext.of(PatchType.JSON_MERGE),
              "{\"metadata\":{\"labels\":{\"" + LABEL + "\":" + value + "}}}");
      LOGGER.log(
          System.Logger.Level.INFO, "namespace guarded name={0} value={1}", namespace, value);
    } catch (KubernetesClientException e) {
      // One that is gone needs no guard.
      if (!ApiErrors.isNotFound(e)) {
        throw e;
      }
    }
  }
}
