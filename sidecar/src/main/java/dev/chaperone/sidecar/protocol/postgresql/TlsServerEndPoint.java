package dev.chaperone.sidecar.protocol.postgresql;

import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.X509Certificate;
import java.security.spec.PSSParameterSpec;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a log-in is bound to: the target's certificate; RFC 5929, section 4 (tls-server-end-point).
 *
 * <p>The SCRAM library's own reads the hash out of the algorithm's name and takes SHA-256 where
 * there is none in it, which is wrong for RSASSA-PSS with another hash.
 */
final class TlsServerEndPoint {
  static final String TYPE = "tls-server-end-point";

  /** Java's names for signatures: {@code SHA384withECDSA}, {@code SHA512/256withRSA}. */
  private static final Pattern SIGNATURE =
      Pattern.compile("(?i)(.+)with[A-Z0-9]+(?:inP1363Format|andMGF1)?");

  private TlsServerEndPoint() {}

  /**
   * The hash of a certificate.
   *
   * @throws GeneralSecurityException where the RFC defines none: its signature has no hash of its
   *     own (Ed25519), or one that this Java runtime does not have. libpq and the server refuse
   *     these too (pgtls_get_peer_certificate_hash, be_tls_get_certificate_hash)
   */
  static byte[] of(X509Certificate certificate) throws GeneralSecurityException {
    return MessageDigest.getInstance(hash(certificate)).digest(certificate.getEncoded());
  }

  private static String hash(X509Certificate certificate) throws GeneralSecurityException {
    String signature = certificate.getSigAlgName();
    if (signature.equals("RSASSA-PSS")) {
      AlgorithmParameters parameters = AlgorithmParameters.getInstance(signature);
      try {
        parameters.init(certificate.getSigAlgParams());
      } catch (java.io.IOException e) {
        throw new GeneralSecurityException("parameters of RSASSA-PSS cannot be read", e);
      }
      return atLeastSha256(
          parameters.getParameterSpec(PSSParameterSpec.class).getDigestAlgorithm());
    }
    Matcher named = SIGNATURE.matcher(signature);
    if (!named.matches()) {
      throw new GeneralSecurityException("a signature without a hash of its own: " + signature);
    }
    return atLeastSha256(named.group(1));
  }

  /** RFC 5929: MD5 and SHA-1 are replaced by SHA-256. */
  private static String atLeastSha256(String name) {
    String hash = name.toUpperCase(Locale.ROOT).replaceFirst("^SHA-?(?!3-)", "SHA-");
    return hash.equals("MD5") || hash.equals("SHA-1") ? "SHA-256" : hash;
  }
}
