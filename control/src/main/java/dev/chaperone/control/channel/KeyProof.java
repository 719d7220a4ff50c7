package dev.chaperone.control.channel;

import dev.chaperone.control.translation.SecretBytes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * How a sidecar proves that it holds its key: a signature (Ed25519, RFC 8032) over all that makes
 * this one conversation. A proof that was overheard is worth nothing in another one: it is bound to
 * the challenge, so it cannot be used again; to the server's certificate, so it cannot be passed on
 * to another server; to the token and the pod, so it vouches for no other; and to the versions.
 *
 * @param nonce of the {@link ChannelMessage.Challenge}
 * @param certificate the SHA-256 of the certificate that the server showed in this connection
 * @param token the SHA-256 of the token
 * @param podUid the uid of the pod that the token is bound to
 * @param versions what the sidecar speaks
 */
public record KeyProof(
    Bytes nonce, Bytes certificate, Bytes token, String podUid, ProtocolVersions versions) {
  private static final byte[] DOMAIN =
      "chaperone.dev sidecar handshake v1\0".getBytes(StandardCharsets.US_ASCII);

  /** What is in front of the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo. */
  private static final byte[] PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");

  private static final int PUBLIC_KEY_BYTES = PREFIX.length + 32;
  private static final int SIGNATURE_BYTES = 64;

  /** What is proved in a conversation with the server that showed this certificate. */
  public static KeyProof of(
      Bytes nonce,
      X509Certificate serverCertificate,
      SecretBytes token,
      String podUid,
      ProtocolVersions versions) {
    try {
      return new KeyProof(
          nonce, sha256(serverCertificate.getEncoded()), sha256(token.bytes()), podUid, versions);
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a certificate of a finished handshake", e);
    }
  }

  /** The SHA-256 of some bytes. */
  public static Bytes sha256(byte[] bytes) {
    try {
      return new Bytes(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Signs. */
  public Bytes sign(PrivateKey key) {
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(key);
      signature.update(signed());
      return new Bytes(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("the key cannot sign", e);
    }
  }

  /**
   * Whether the signature was made over exactly this, with the private half of that key.
   *
   * @param publicKey an Ed25519 key as SubjectPublicKeyInfo; anything else verifies nothing
   */
  public boolean isProvedBy(Bytes publicKey, Bytes signature) {
    byte[] encoded = publicKey.toArray();
    if (encoded.length != PUBLIC_KEY_BYTES
        || signature.length() != SIGNATURE_BYTES
        || !Arrays.equals(encoded, 0, PREFIX.length, PREFIX, 0, PREFIX.length)) {
      return false;
    }
    try {
      Signature verification = Signature.getInstance("Ed25519");
      verification.initVerify(
          KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded)));
      verification.update(signed());
      return verification.verify(signature.toArray());
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /** Each part with its length in front, so that no two proofs are written alike. */
  private byte[] signed() {
    byte[][] parts = {
      nonce.toArray(),
      certificate.toArray(),
      token.toArray(),
      podUid.getBytes(StandardCharsets.UTF_8),
      ByteBuffer.allocate(2 * Integer.BYTES)
          .putInt(versions.oldest())
          .putInt(versions.newest())
          .array()
    };
    int length = DOMAIN.length;
    for (byte[] part : parts) {
      length += Integer.BYTES + part.length;
    }
    ByteBuffer all = ByteBuffer.allocate(length).put(DOMAIN);
    for (byte[] part : parts) {
      all.putInt(part.length).put(part);
    }
    return all.array();
  }
}
