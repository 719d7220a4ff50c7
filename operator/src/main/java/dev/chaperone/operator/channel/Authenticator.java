package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.KeyProof;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds out which pod a sidecar belongs to. Believes nothing that the sidecar says of itself: the
 * pod comes from the API server's review of the token, and the key has to be the one that is bound
 * to that pod. Its calls wait for the API server and are made on threads that may.
 */
public final class Authenticator {
  private static final String POD_NAME = "authentication.kubernetes.io/pod-name";
  private static final String POD_UID = "authentication.kubernetes.io/pod-uid";
  private static final Pattern SERVICE_ACCOUNT =
      Pattern.compile("system:serviceaccount:([a-z0-9.-]{1,253}):([a-z0-9.-]{1,253})");

  /** Each lost race means that another replica has bound a key: the next look finds it. */
  private static final int ATTEMPTS = 3;

  private final TokenReviewer reviewer;
  private final PodLookup pods;
  private final KeyBindings bindings;

  public Authenticator(TokenReviewer reviewer, PodLookup pods, KeyBindings bindings) {
    this.reviewer = reviewer;
    this.pods = pods;
    this.bindings = bindings;
  }

  /**
   * Who said this Hello.
   *
   * @param nonce that was sent in this connection
   * @param certificate that was shown in this connection
   * @throws HandshakeRefusedException where it is nobody who may speak for a pod, or where that
   *     cannot be told now
   */
  public SidecarPod authenticate(Hello hello, Bytes nonce, X509Certificate certificate)
      throws HandshakeRefusedException {
    try {
      SidecarPod pod = pod(reviewer.review(hello.token()));
      KeyProof proof = KeyProof.of(nonce, certificate, hello.token(), pod.uid(), hello.versions());
      if (!proof.isProvedBy(hello.publicKey(), hello.signature())) {
        throw refused(
            RefusalReason.KEY_UNPROVED,
            "the signature does not prove the key for this conversation, token and pod");
      }
      bind(pod, hello.publicKey());
      return pod;
    } catch (IOException e) {
      throw refused(RefusalReason.UNAVAILABLE, e.getMessage());
    }
  }

  private static SidecarPod pod(TokenReviewer.Verdict verdict) throws HandshakeRefusedException {
    if (!verdict.authenticated()) {
      throw refused(RefusalReason.TOKEN_INVALID, "the API server does not accept the token");
    }
    // An API server that knows no audiences leaves them out: then it did not check any.
    if (!verdict.audiences().contains(TokenReviewer.AUDIENCE)) {
      throw refused(
          RefusalReason.TOKEN_AUDIENCE, "the token is not for audience " + TokenReviewer.AUDIENCE);
    }
    Matcher account = SERVICE_ACCOUNT.matcher(verdict.username());
    Optional<String> name = only(verdict.extra().get(POD_NAME));
    Optional<String> uid = only(verdict.extra().get(POD_UID));
    if (!account.matches() || name.isEmpty() || uid.isEmpty()) {
      throw refused(RefusalReason.TOKEN_UNBOUND, "the token is not bound to a pod");
    }
    return new SidecarPod(account.group(1), name.get(), uid.get(), account.group(2));
  }

  private static Optional<String> only(List<String> values) {
    return values != null && values.size() == 1 && !values.get(0).isEmpty()
        ? Optional.of(values.get(0))
        : Optional.empty();
  }

  private void bind(SidecarPod pod, Bytes key) throws HandshakeRefusedException, IOException {
    for (int i = 0; i < ATTEMPTS; i++) {
      // The pod is looked at last: its count is never older than the binding it is held against.
      Optional<KeyBindings.Stored> stored = bindings.find(pod);
      Optional<PodLookup.Found> found = pods.find(pod.namespace(), pod.name());
      if (found.isEmpty() || !found.get().uid().equals(pod.uid())) {
        throw refused(RefusalReason.POD_GONE, "there is no such pod any more");
      }
      KeyBinding next =
          new KeyBinding(
              key,
              found.get().sidecarRestarts(),
              stored.flatMap(one -> one.binding().recordingKey()));
      switch (KeyRule.of(stored.map(KeyBindings.Stored::binding), key, next.restarts())) {
        case ACCEPT -> {
          return;
        }
        case REFUSE ->
            throw refused(
                RefusalReason.KEY_NOT_BOUND,
                "another key speaks for this pod, and its sidecar was not started anew since");
        case BIND -> {
          if (stored.isEmpty()
              ? bindings.create(pod, next)
              : bindings.replace(pod, stored.get(), next)) {
            return;
          }
        }
      }
    }
    throw new IOException("the key could not be bound: others bind keys of this pod");
  }

  private static HandshakeRefusedException refused(RefusalReason reason, String message) {
    return new HandshakeRefusedException(reason, message);
  }
}
