package dev.chaperone.control.translation;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.interfaces.RSAKey;
import java.util.List;

/**
 * A private key and the certificates that show whose it is: what one end of a TLS connection proves
 * itself with. Never shown; compared by value.
 */
public final class CertifiedKey {
  private final List<X509Certificate> chain;
  private final PrivateKey key;

  /** What the key is compared by. */
  private final SecretBytes encoded;

  /**
   * Checks that they fit.
   *
   * @param chain the key's own certificate comes first
   * @throws PemException when the key is another's
   */
  CertifiedKey(List<X509Certificate> chain, PrivateKey key) throws PemException {
    this.chain = List.copyOf(chain);
    this.key = key;
    this.encoded = new SecretBytes(key.getEncoded());
    if (!fits(chain.get(0).getPublicKey(), key)) {
      throw new PemException("is not the key of the first certificate of tls.crt");
    }
  }

  /** The key's own certificate, then those that show who stands for it. */
  public List<X509Certificate> chain() {
    return chain;
  }

  /** The key. */
  public PrivateKey key() {
    return key;
  }

  private static boolean fits(PublicKey publicKey, PrivateKey key) {
    if (publicKey instanceof RSAKey one && key instanceof RSAKey other) {
      return one.getModulus().equals(other.getModulus());
    }
    try {
      Signature signature =
          Signature.getInstance(key.getAlgorithm().equals("EC") ? "SHA256withECDSA" : "EdDSA");
      signature.initSign(key);
      signature.update((byte) 0);
      byte[] signed = signature.sign();
      signature.initVerify(publicKey);
      signature.update((byte) 0);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CertifiedKey that
        && chain.equals(that.chain)
        && encoded.equals(that.encoded);
  }

  @Override
  public int hashCode() {
    return chain.hashCode();
  }

  @Override
  public String toString() {
    return "(secret)";
  }
}
