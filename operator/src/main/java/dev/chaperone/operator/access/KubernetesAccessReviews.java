package dev.chaperone.operator.access;

import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReview;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReviewBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;

/** Asks the API server's authorizer, by SubjectAccessReview. */
public final class KubernetesAccessReviews implements AccessReviews {
  private final KubernetesClient client;

  /**
   * Asks it.
   *
   * @param client with a deadline for its requests
   */
  public KubernetesAccessReviews(KubernetesClient client) {
    this.client = client;
  }

  @Override
  public boolean allowed(Question question) throws IOException {
    SubjectAccessReview review =
        new SubjectAccessReviewBuilder()
            .withNewSpec()
            .withUser(question.user().name())
            .withUid(question.user().uid().isEmpty() ? null : question.user().uid())
            .withGroups(question.user().groups())
            .withExtra(question.user().extra())
            .withNewResourceAttributes()
            .withVerb(question.verb())
            .withGroup(question.group())
            .withResource(question.resource())
            .withSubresource(question.subResource().isEmpty() ? null : question.subResource())
            .withNamespace(question.namespace())
            .withName(question.name())
            .endResourceAttributes()
            .endSpec()
            .build();
    SubjectAccessReview answer;
    try {
      answer = client.authorization().v1().subjectAccessReview().create(review);
    } catch (KubernetesClientException e) {
      throw new IOException("permissions cannot be asked for, status " + e.getCode(), e);
    }
    if (answer.getStatus() == null || answer.getStatus().getAllowed() == null) {
      throw new IOException("permissions cannot be asked for: there was no answer");
    }
    return answer.getStatus().getAllowed();
  }
}
