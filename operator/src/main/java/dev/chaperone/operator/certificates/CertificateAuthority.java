package dev.chaperone.operator.certificates;

import dev.chaperone.operator.channel.ServerIdentity;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A key that certificates are signed with, and the certificate that it is known by. ECDSA with
 * P-256.
 */
public record CertificateAuthority(PrivateKey key, X509Certificate certificate) {
  /** Clocks of those who look at a certificate may be behind ours by this much. */
  static final Duration BACKDATED = Duration.ofHours(1);

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final Pattern ADDRESS = Pattern.compile("[0-9]{1,3}([.][0-9]{1,3}){3}");

  public CertificateAuthority {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(certificate, "certificate");
  }

  /** What is certified. */
  private record Subject(X500Principal name, PublicKey key) {}

  /** Makes a new one, with a name of its own: two of one name would be told apart by few. */
  static CertificateAuthority create(Instant now, Duration life) {
    KeyPair pair = keyPair();
    X500Principal name =
        new X500Principal("CN=Chaperone CA " + new BigInteger(64, RANDOM).toString(36));
    return new CertificateAuthority(
        pair.getPrivate(),
        authority(new Subject(name, pair.getPublic()), name, pair, now, now.plus(life), false));
  }

  /**
   * Certifies another authority, so that those who know only this one believe what that one signs;
   * for as long as this one is valid itself.
   */
  X509Certificate certify(CertificateAuthority other, Instant now) {
    return authority(
        new Subject(other.certificate.getSubjectX500Principal(), other.certificate.getPublicKey()),
        certificate.getSubjectX500Principal(),
        new KeyPair(certificate.getPublicKey(), key),
        now,
        certificate.getNotAfter().toInstant(),
        true);
  }

  /**
   * Makes a key and a certificate for a server; not valid for longer than this authority.
   *
   * @param names DNS names and IPv4 addresses, the first one also as the subject
   * @param between certificates that lead from this authority to an older one
   */
  ServerIdentity server(
      List<String> names, Instant now, Duration life, List<X509Certificate> between) {
    KeyPair pair = keyPair();
    Instant end = now.plus(life);
    Instant last = certificate.getNotAfter().toInstant();
    try {
      JcaX509v3CertificateBuilder builder =
          builder(
              new Subject(new X500Principal("CN=chaperone-operator"), pair.getPublic()),
              certificate.getSubjectX500Principal(),
              // As its certificate names its key: who has issued that may have a way of its own.
              new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(certificate),
              now,
              end.isAfter(last) ? last : end);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      builder.addExtension(
          Extension.extendedKeyUsage,
          false,
          // Replicas are clients of each other.
          new ExtendedKeyUsage(
              new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth}));
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(
              names.stream().map(CertificateAuthority::name).toArray(GeneralName[]::new)));
      List<X509Certificate> chain = new ArrayList<>();
      chain.add(sign(builder, key));
      chain.addAll(between);
      return new ServerIdentity(pair.getPrivate(), chain);
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("a certificate cannot be made", e);
    }
  }

  private static GeneralName name(String name) {
    return new GeneralName(
        ADDRESS.matcher(name).matches() ? GeneralName.iPAddress : GeneralName.dNSName, name);
  }

  private static X509Certificate authority(
      Subject subject,
      X500Principal issuer,
      KeyPair by,
      Instant now,
      Instant end,
      boolean intermediate) {
    try {
      JcaX509v3CertificateBuilder builder =
          builder(
              subject,
              issuer,
              new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(by.getPublic()),
              now,
              end);
      builder.addExtension(
          Extension.basicConstraints,
          true,
          intermediate ? new BasicConstraints(0) : new BasicConstraints(true));
      builder.addExtension(
          Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
      return sign(builder, by.getPrivate());
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("a certificate cannot be made", e);
    }
  }

  private static JcaX509v3CertificateBuilder builder(
      Subject subject,
      X500Principal issuer,
      AuthorityKeyIdentifier issuerKey,
      Instant now,
      Instant end)
      throws GeneralSecurityException, IOException {
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            issuer,
            new BigInteger(127, RANDOM).add(BigInteger.ONE),
            Date.from(now.minus(BACKDATED)),
            Date.from(end),
            subject.name(),
            subject.key());
    JcaX509ExtensionUtils extensions = new JcaX509ExtensionUtils();
    builder.addExtension(
        Extension.subjectKeyIdentifier,
        false,
        extensions.createSubjectKeyIdentifier(subject.key()));
    builder.addExtension(Extension.authorityKeyIdentifier, false, issuerKey);
    return builder;
  }

  private static X509Certificate sign(JcaX509v3CertificateBuilder builder, PrivateKey by)
      throws GeneralSecurityException {
    try {
      return new JcaX509CertificateConverter()
          .getCertificate(builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(by)));
    } catch (OperatorCreationException e) {
      throw new GeneralSecurityException(e);
    }
  }

  private static KeyPair keyPair() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"), RANDOM);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("there is no P-256", e);
    }
  }

  /** Without the key. */
  @Override
  public String toString() {
    return "CertificateAuthority[" + certificate.getSubjectX500Principal() + "]";
  }
}
