package dev.chaperone.operator.certificates;

import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.NonDeletingOperation;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * What is behind an issuer of cert-manager: an authority with an RSA key that issues others. It
 * names keys in a way of its own, as newer releases of Go do.
 */
public final class TestIssuer {
  private static final AtomicLong SERIAL = new AtomicLong(1);

  private final KeyPair key = keyPair("RSA");
  private final X500Principal name = new X500Principal("CN=issuer " + SERIAL.get());
  private final X509Certificate certificate =
      issue(name, key, Duration.ofDays(365), new BasicConstraints(1), KeyUsage.keyCertSign);

  /** Whom those believe who believe what it issues. */
  public String pem() {
    return Pem.certificates(List.of(certificate));
  }

  /** What cert-manager stores: another key each time. */
  public Map<String, byte[]> secret(Duration life) {
    return secret(life, new BasicConstraints(true), KeyUsage.keyCertSign | KeyUsage.cRLSign);
  }

  Map<String, byte[]> secret(Duration life, BasicConstraints constraints, int usage) {
    KeyPair pair = keyPair("EC");
    X500Principal subject = new X500Principal("CN=Chaperone CA");
    return data(
        Pem.certificates(List.of(issue(subject, pair, life, constraints, usage))),
        Pem.key(pair.getPrivate()),
        pem());
  }

  /**
   * Puts a Secret there as cert-manager does: of type kubernetes.io/tls, with who has issued it.
   */
  public static Secret store(KubernetesClient client, String namespace, Map<String, byte[]> data) {
    Map<String, String> encoded = new HashMap<>();
    data.forEach((key, value) -> encoded.put(key, Base64.getEncoder().encodeToString(value)));
    Secret secret =
        new SecretBuilder()
            .withNewMetadata()
            .withNamespace(namespace)
            .withName(SecretAuthorityStore.ISSUED)
            .addToAnnotations("cert-manager.io/certificate-name", SecretAuthorityStore.ISSUED)
            .endMetadata()
            .withType("kubernetes.io/tls")
            .withData(encoded)
            .build();
    return client.resource(secret).createOr(NonDeletingOperation::update);
  }

  /** What an issuer of kind SelfSigned makes. */
  Map<String, byte[]> ofItsOwn() {
    CertificateAuthority own = CertificateAuthority.create(Instant.now(), Duration.ofDays(1));
    String certificate = Pem.certificates(List.of(own.certificate()));
    return data(certificate, Pem.key(own.key()), certificate);
  }

  private static Map<String, byte[]> data(String certificate, String key, String issuers) {
    return Map.of(
        "tls.crt", certificate.getBytes(StandardCharsets.US_ASCII),
        "tls.key", key.getBytes(StandardCharsets.US_ASCII),
        "ca.crt", issuers.getBytes(StandardCharsets.US_ASCII));
  }

  private X509Certificate issue(
      X500Principal subject, KeyPair pair, Duration life, BasicConstraints constraints, int usage) {
    try {
      Instant now = Instant.now();
      long serial = SERIAL.getAndIncrement();
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              name,
              BigInteger.valueOf(serial),
              Date.from(now.minusSeconds(60)),
              Date.from(now.plus(life)),
              subject,
              pair.getPublic());
      builder.addExtension(Extension.basicConstraints, true, constraints);
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
      builder.addExtension(
          Extension.subjectKeyIdentifier,
          false,
          new SubjectKeyIdentifier(BigInteger.valueOf(serial + 0x10000).toByteArray()));
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(new JcaContentSignerBuilder("SHA256withRSA").build(key.getPrivate())));
    } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static KeyPair keyPair(String kind) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(kind);
      if (kind.equals("EC")) {
        generator.initialize(new ECGenParameterSpec("secp256r1"));
      } else {
        generator.initialize(2048);
      }
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
