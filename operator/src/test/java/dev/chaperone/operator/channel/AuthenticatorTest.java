package dev.chaperone.operator.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.KeyProof;
import dev.chaperone.control.channel.ProtocolVersions;
import dev.chaperone.control.translation.SecretBytes;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AuthenticatorTest {
  private static final TestAuthority AUTHORITY = new TestAuthority();
  private static final X509Certificate SERVER = AUTHORITY.server("operator").chain().get(0);

  private final FakeCluster cluster = new FakeCluster();
  private final Authenticator authenticator = new Authenticator(cluster, cluster, cluster);
  private final KeyPair key = key();

  @Test
  void theFirstContactBindsTheKeyAndLaterOnesProveIt() throws Exception {
    for (int i = 0; i < 3; i++) {
      Bytes nonce = nonce();
      assertThat(authenticator.authenticate(hello(nonce, key), nonce, SERVER))
          .isEqualTo(FakeCluster.POD);
    }
    assertThat(cluster.find(FakeCluster.POD).orElseThrow().binding())
        .isEqualTo(new KeyBinding(publicKey(key), 0));
  }

  @Test
  void aStolenTokenWithAnotherKeyIsRefused() throws Exception {
    Bytes nonce = nonce();
    authenticator.authenticate(hello(nonce, key), nonce, SERVER);
    assertThat(refusal(hello(nonce, key()), nonce)).isEqualTo(RefusalReason.KEY_NOT_BOUND);
  }

  @Test
  void aStolenTokenWithTheRightKeyThatIsNotHeldIsRefused() throws Exception {
    Bytes nonce = nonce();
    Hello honest = hello(nonce, key);
    authenticator.authenticate(honest, nonce, SERVER);
    Hello forged = hello(nonce, key());
    Hello claimed = new Hello(1, 1, honest.token(), honest.publicKey(), forged.signature());
    assertThat(refusal(claimed, nonce)).isEqualTo(RefusalReason.KEY_UNPROVED);
  }

  @Test
  void aReplayedHelloIsRefused() throws Exception {
    Bytes nonce = nonce();
    Hello hello = hello(nonce, key);
    authenticator.authenticate(hello, nonce, SERVER);
    assertThat(refusal(hello, nonce())).isEqualTo(RefusalReason.KEY_UNPROVED);
  }

  @Test
  void aHelloMadeForAnotherServerIsRefused() {
    Bytes nonce = nonce();
    Hello relayed = hello(nonce, key, AUTHORITY.server("mallory").chain().get(0));
    assertThat(refusal(relayed, nonce)).isEqualTo(RefusalReason.KEY_UNPROVED);
  }

  @Test
  void aHelloSignedForAnotherPodsUidIsRefused() {
    Bytes nonce = nonce();
    SecretBytes token = token(FakeCluster.TOKEN);
    KeyProof forOther =
        KeyProof.of(nonce, SERVER, token, "uid-of-another", ProtocolVersions.SPOKEN);
    Hello hello = new Hello(1, 1, token, publicKey(key), forOther.sign(key.getPrivate()));
    assertThat(refusal(hello, nonce)).isEqualTo(RefusalReason.KEY_UNPROVED);
  }

  @Test
  void aProofMadeWithAnotherTokenIsRefused() {
    Bytes nonce = nonce();
    KeyProof proof =
        KeyProof.of(
            nonce, SERVER, token("another"), FakeCluster.POD.uid(), ProtocolVersions.SPOKEN);
    Hello hello =
        new Hello(1, 1, token(FakeCluster.TOKEN), publicKey(key), proof.sign(key.getPrivate()));
    assertThat(refusal(hello, nonce)).isEqualTo(RefusalReason.KEY_UNPROVED);
  }

  @Test
  void aNewKeyIsBoundAfterARestartAndTheOldOneIsRefusedFromThenOn() throws Exception {
    Bytes nonce = nonce();
    authenticator.authenticate(hello(nonce, key), nonce, SERVER);
    cluster.restarts(FakeCluster.POD, 1);
    KeyPair second = key();
    authenticator.authenticate(hello(nonce, second), nonce, SERVER);
    assertThat(cluster.find(FakeCluster.POD).orElseThrow().binding())
        .isEqualTo(new KeyBinding(publicKey(second), 1));
    assertThat(refusal(hello(nonce, key), nonce)).isEqualTo(RefusalReason.KEY_NOT_BOUND);
  }

  @Test
  void oneRestartLetsInOneNewKey() throws Exception {
    Bytes nonce = nonce();
    authenticator.authenticate(hello(nonce, key), nonce, SERVER);
    cluster.restarts(FakeCluster.POD, 1);
    authenticator.authenticate(hello(nonce, key()), nonce, SERVER);
    assertThat(refusal(hello(nonce, key()), nonce)).isEqualTo(RefusalReason.KEY_NOT_BOUND);
  }

  @Test
  void aCountThatWasKnownLateIsNoOpeningForAnotherKey() throws Exception {
    Bytes nonce = nonce();
    authenticator.authenticate(hello(nonce, key), nonce, SERVER);
    cluster.restarts(FakeCluster.POD, 1);
    authenticator.authenticate(hello(nonce, key), nonce, SERVER);
    assertThat(refusal(hello(nonce, key()), nonce)).isEqualTo(RefusalReason.KEY_NOT_BOUND);
  }

  @Test
  void anExpiredTokenIsRefused() {
    cluster.expire(FakeCluster.TOKEN);
    Bytes nonce = nonce();
    assertThat(refusal(hello(nonce, key), nonce)).isEqualTo(RefusalReason.TOKEN_INVALID);
  }

  @Test
  void aTokenOfAnotherAudienceIsRefused() {
    cluster.token(
        FakeCluster.TOKEN, FakeCluster.verdict(FakeCluster.POD, "https://kubernetes.default.svc"));
    Bytes nonce = nonce();
    assertThat(refusal(hello(nonce, key), nonce)).isEqualTo(RefusalReason.TOKEN_AUDIENCE);
  }

  @Test
  void aTokenThatIsNotBoundToOnePodIsRefused() {
    TokenReviewer.Verdict good = FakeCluster.verdict(FakeCluster.POD, "chaperone");
    List<TokenReviewer.Verdict> unbound =
        List.of(
            new TokenReviewer.Verdict(true, good.audiences(), good.username(), Map.of()),
            new TokenReviewer.Verdict(
                true,
                good.audiences(),
                good.username(),
                Map.of(
                    "authentication.kubernetes.io/pod-name",
                    List.of("agent-0"),
                    "authentication.kubernetes.io/pod-uid",
                    List.of("uid-0", "uid-1"))),
            new TokenReviewer.Verdict(true, good.audiences(), "alice", good.extra()),
            new TokenReviewer.Verdict(
                true, good.audiences(), good.username() + ":more", good.extra()));
    for (TokenReviewer.Verdict verdict : unbound) {
      cluster.token(FakeCluster.TOKEN, verdict);
      Bytes nonce = nonce();
      assertThat(refusal(hello(nonce, key), nonce)).isEqualTo(RefusalReason.TOKEN_UNBOUND);
    }
  }

  @Test
  void thePodHasToBeThereUnderItsUid() {
    Bytes nonce = nonce();
    cluster.replacedBy(FakeCluster.POD, "uid-of-a-later-pod");
    assertThat(refusal(hello(nonce, key), nonce)).isEqualTo(RefusalReason.POD_GONE);
    cluster.delete(FakeCluster.POD);
    assertThat(refusal(hello(nonce, key), nonce)).isEqualTo(RefusalReason.POD_GONE);
  }

  @Test
  void twoReplicasCannotBindTwoKeys() {
    KeyPair other = key();
    cluster.beforeBinding(
        () -> cluster.create(FakeCluster.POD, new KeyBinding(publicKey(other), 0)));
    Bytes nonce = nonce();
    assertThat(refusal(hello(nonce, key), nonce)).isEqualTo(RefusalReason.KEY_NOT_BOUND);
    assertThat(cluster.find(FakeCluster.POD).orElseThrow().binding().publicKey())
        .isEqualTo(publicKey(other));
  }

  @Test
  void twoReplicasCannotBindTwoKeysAfterOneRestart() throws Exception {
    Bytes nonce = nonce();
    authenticator.authenticate(hello(nonce, key), nonce, SERVER);
    cluster.restarts(FakeCluster.POD, 1);
    KeyPair faster = key();
    cluster.beforeBinding(
        () -> {
          KeyBindings.Stored read = cluster.find(FakeCluster.POD).orElseThrow();
          cluster.replace(FakeCluster.POD, read, new KeyBinding(publicKey(faster), 1));
        });
    assertThat(refusal(hello(nonce, key()), nonce)).isEqualTo(RefusalReason.KEY_NOT_BOUND);
    assertThat(cluster.find(FakeCluster.POD).orElseThrow().binding().publicKey())
        .isEqualTo(publicKey(faster));
  }

  @Test
  void withoutTheApiServerNobodyIsLetIn() {
    cluster.down(true);
    Bytes nonce = nonce();
    assertThat(refusal(hello(nonce, key), nonce)).isEqualTo(RefusalReason.UNAVAILABLE);
  }

  @Test
  void theRuleOfKeysOverAllItsInputs() {
    Bytes bound = publicKey(key);
    Bytes other = publicKey(key());
    assertThat(KeyRule.of(Optional.empty(), bound, 0)).isEqualTo(KeyRule.BIND);
    Optional<KeyBinding> binding = Optional.of(new KeyBinding(bound, 3));
    assertThat(KeyRule.of(binding, bound, 2)).isEqualTo(KeyRule.ACCEPT);
    assertThat(KeyRule.of(binding, bound, 3)).isEqualTo(KeyRule.ACCEPT);
    assertThat(KeyRule.of(binding, bound, 4)).isEqualTo(KeyRule.BIND);
    assertThat(KeyRule.of(binding, other, 2)).isEqualTo(KeyRule.REFUSE);
    assertThat(KeyRule.of(binding, other, 3)).isEqualTo(KeyRule.REFUSE);
    assertThat(KeyRule.of(binding, other, 4)).isEqualTo(KeyRule.BIND);
  }

  private RefusalReason refusal(Hello hello, Bytes nonce) {
    HandshakeRefusedException refused =
        catchThrowableOfType(
            HandshakeRefusedException.class,
            () -> authenticator.authenticate(hello, nonce, SERVER));
    assertThat(refused).as("it was let in").isNotNull();
    assertThat(refused.getMessage()).doesNotContain(FakeCluster.TOKEN);
    return refused.reason();
  }

  private static Hello hello(Bytes nonce, KeyPair pair) {
    return hello(nonce, pair, SERVER);
  }

  private static Hello hello(Bytes nonce, KeyPair pair, X509Certificate server) {
    SecretBytes token = token(FakeCluster.TOKEN);
    KeyProof proof =
        KeyProof.of(nonce, server, token, FakeCluster.POD.uid(), ProtocolVersions.SPOKEN);
    return new Hello(1, 1, token, publicKey(pair), proof.sign(pair.getPrivate()));
  }

  private static SecretBytes token(String text) {
    return new SecretBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  private static Bytes publicKey(KeyPair pair) {
    return new Bytes(pair.getPublic().getEncoded());
  }

  private static Bytes nonce() {
    byte[] nonce = new byte[32];
    new SecureRandom().nextBytes(nonce);
    return new Bytes(nonce);
  }

  static KeyPair key() {
    try {
      return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
