package dev.chaperone.operator.distribution;

import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import java.util.function.Supplier;

/**
 * Writes status by server-side apply, and only over the version that it was made from: where
 * somebody was quicker, the API server refuses with 409 and it is made anew. So it does not matter
 * that two replicas may do the same work for a moment.
 */
public final class StatusWriter {
  /** In whose name fields are owned. */
  public static final String MANAGER = "chaperone-operator";

  private static final PatchContext APPLY =
      new PatchContext.Builder()
          .withPatchType(PatchType.SERVER_SIDE_APPLY)
          .withFieldManager(MANAGER)
          .withForce(true)
          .build();

  private final KubernetesClient client;

  /** Writes with this client. */
  public StatusWriter(KubernetesClient client) {
    this.client = client;
  }

  /**
   * Writes a status.
   *
   * @param kind makes an empty resource of the kind
   * @param current what the status was made from
   * @return the resource as it is now
   */
  public <S, R extends CustomResource<?, S>> R write(Supplier<R> kind, R current, S status) {
    R resource = kind.get();
    resource.setMetadata(
        new ObjectMetaBuilder()
            .withNamespace(current.getMetadata().getNamespace())
            .withName(current.getMetadata().getName())
            .withResourceVersion(current.getMetadata().getResourceVersion())
            .build());
    resource.setStatus(status);
    return client.resource(resource).subresource("status").patch(APPLY, resource);
  }
}
