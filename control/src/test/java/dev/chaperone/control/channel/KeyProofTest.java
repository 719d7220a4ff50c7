package dev.chaperone.control.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.List;
import org.junit.jupiter.api.Test;

class KeyProofTest {
  private static final KeyProof PROOF =
      new KeyProof(bytes(32, 1), bytes(32, 2), bytes(32, 3), "uid-1", new ProtocolVersions(1, 2));

  private final KeyPair key = key();

  @Test
  void theHolderOfTheKeyProvesIt() {
    assertThat(PROOF.isProvedBy(publicKey(key), PROOF.sign(key.getPrivate()))).isTrue();
  }

  @Test
  void aProofHoldsForNothingElse() {
    Bytes signature = PROOF.sign(key.getPrivate());
    List<KeyProof> others =
        List.of(
            new KeyProof(
                bytes(32, 9), bytes(32, 2), bytes(32, 3), "uid-1", new ProtocolVersions(1, 2)),
            new KeyProof(
                bytes(32, 1), bytes(32, 9), bytes(32, 3), "uid-1", new ProtocolVersions(1, 2)),
            new KeyProof(
                bytes(32, 1), bytes(32, 2), bytes(32, 9), "uid-1", new ProtocolVersions(1, 2)),
            new KeyProof(
                bytes(32, 1), bytes(32, 2), bytes(32, 3), "uid-2", new ProtocolVersions(1, 2)),
            new KeyProof(
                bytes(32, 1), bytes(32, 2), bytes(32, 3), "uid-1", new ProtocolVersions(1, 1)),
            new KeyProof(
                bytes(32, 1), bytes(32, 2), bytes(32, 3), "uid-1", new ProtocolVersions(2, 2)),
            new KeyProof(
                bytes(32, 1), bytes(32, 2), bytes(33, 3), "uid-1", new ProtocolVersions(1, 2)));
    for (KeyProof other : others) {
      assertThat(other.isProvedBy(publicKey(key), signature)).as("%s", other).isFalse();
    }
  }

  @Test
  void anotherKeyProvesNothing() {
    KeyPair other = key();
    assertThat(PROOF.isProvedBy(publicKey(key), PROOF.sign(other.getPrivate()))).isFalse();
  }

  @Test
  void whatIsNoKeyOrSignatureProvesNothing() {
    Bytes signature = PROOF.sign(key.getPrivate());
    byte[] otherAlgorithm = publicKey(key).toArray();
    otherAlgorithm[8]++;
    byte[] longer = java.util.Arrays.copyOf(publicKey(key).toArray(), 45);
    for (Bytes none :
        List.of(bytes(0, 0), bytes(44, 0), new Bytes(otherAlgorithm), new Bytes(longer))) {
      assertThat(PROOF.isProvedBy(none, signature)).isFalse();
    }
    for (Bytes none : List.of(bytes(0, 0), bytes(63, 0), bytes(64, 0), bytes(65, 0))) {
      assertThat(PROOF.isProvedBy(publicKey(key), none)).isFalse();
    }
  }

  @Test
  void versionsAreNegotiatedToTheNewestCommon() {
    ProtocolVersions spoken = new ProtocolVersions(2, 4);
    assertThat(spoken.newestCommonWith(new ProtocolVersions(1, 3))).hasValue(3);
    assertThat(spoken.newestCommonWith(new ProtocolVersions(3, 9))).hasValue(4);
    assertThat(spoken.newestCommonWith(new ProtocolVersions(1, 1))).isEmpty();
    assertThat(spoken.newestCommonWith(new ProtocolVersions(5, 6))).isEmpty();
    assertThat(ProtocolVersions.SPOKEN.newestCommonWith(ProtocolVersions.SPOKEN))
        .hasValue(ProtocolVersions.SPOKEN.newest());
  }

  private static Bytes bytes(int length, int value) {
    byte[] bytes = new byte[length];
    java.util.Arrays.fill(bytes, (byte) value);
    return new Bytes(bytes);
  }

  private static Bytes publicKey(KeyPair pair) {
    return new Bytes(pair.getPublic().getEncoded());
  }

  private static KeyPair key() {
    try {
      return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
