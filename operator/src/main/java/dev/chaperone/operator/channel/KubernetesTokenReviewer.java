package dev.chaperone.operator.channel;

import dev.chaperone.control.translation.SecretBytes;
import io.fabric8.kubernetes.api.model.authentication.TokenReview;
import io.fabric8.kubernetes.api.model.authentication.TokenReviewBuilder;
import io.fabric8.kubernetes.api.model.authentication.TokenReviewStatus;
import io.fabric8.kubernetes.api.model.authentication.UserInfo;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Reviews tokens with the API server's TokenReview. */
public final class KubernetesTokenReviewer implements TokenReviewer {
  private final KubernetesClient client;

  public KubernetesTokenReviewer(KubernetesClient client) {
    this.client = client;
  }

  @Override
  public Verdict review(SecretBytes token) throws IOException {
    TokenReview review =
        new TokenReviewBuilder()
            .withNewSpec()
            .withToken(new String(token.bytes(), StandardCharsets.UTF_8))
            .withAudiences(AUDIENCE)
            .endSpec()
            .build();
    TokenReviewStatus status;
    try {
      status = client.tokenReviews().create(review).getStatus();
    } catch (KubernetesClientException e) {
      // Without the cause: the request was the token.
      throw new IOException("the API server reviewed no token, status " + e.getCode());
    }
    if (status == null || !Boolean.TRUE.equals(status.getAuthenticated())) {
      return new Verdict(false, List.of(), "", Map.of());
    }
    UserInfo user = status.getUser();
    return new Verdict(
        true,
        status.getAudiences() == null ? List.of() : status.getAudiences(),
        user == null || user.getUsername() == null ? "" : user.getUsername(),
        user == null || user.getExtra() == null ? Map.of() : user.getExtra());
  }
}
