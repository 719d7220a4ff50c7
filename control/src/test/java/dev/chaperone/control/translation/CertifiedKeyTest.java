package dev.chaperone.control.translation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Certificates and keys as tools write them; made by openssl. */
class CertifiedKeyTest {
  private static final Path FILES = Path.of("src/test/resources/pem");

  private static byte[] file(String name) throws IOException {
    return Files.readAllBytes(FILES.resolve(name));
  }

  private static CertifiedKey read(String certificate, byte[] key) throws Exception {
    List<X509Certificate> chain = Pem.certificates(file(certificate));
    return new CertifiedKey(chain, Pem.privateKey(key, chain.get(0).getPublicKey()));
  }

  @ParameterizedTest
  @CsvSource({
    "rsa.crt, rsa.key, RSA",
    "rsa.crt, rsa-pkcs1.key, RSA",
    "ec.crt, ec.key, EC",
    "ec.crt, ec-sec1.key, EC",
    "ec.crt, ec-sec1-with-parameters.key, EC",
    "ed25519.crt, ed25519.key, EdDSA"
  })
  void keysAreReadInEveryFormatThatToolsWrite(String certificate, String key, String algorithm)
      throws Exception {
    assertThat(read(certificate, file(key)).key().getAlgorithm()).isEqualTo(algorithm);
  }

  @Test
  void oneKeyIsTheSameInEveryFormat() throws Exception {
    assertThat(read("rsa.crt", file("rsa.key")))
        .isEqualTo(read("rsa.crt", file("rsa-pkcs1.key")))
        .hasToString("(secret)");
    assertThat(read("ec.crt", file("ec.key"))).isNotEqualTo(read("rsa.crt", file("rsa.key")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"rsa-encrypted.key", "rsa-pkcs1-encrypted.key"})
  void anEncryptedKeyIsRefusedWithTheWayOut(String key) {
    assertThatThrownBy(() -> read("rsa.crt", file(key)))
        .isInstanceOf(PemException.class)
        .hasMessageContaining("is encrypted; store it without a passphrase");
  }

  @ParameterizedTest
  @CsvSource({
    "rsa.crt, ec.key",
    "ec.crt, rsa.key",
    "ec.crt, ed25519.key",
    "ed25519.crt, ec.key",
    "ed25519.crt, rsa-pkcs1.key"
  })
  void anotherCertificatesKeyIsRefused(String certificate, String key) {
    assertThatThrownBy(() -> read(certificate, file(key))).isInstanceOf(PemException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no PEM",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nTop-Secret!\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nVG9wLVNlY3JldA==\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nVG9wLVNlY3JldA==\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----\nVG9wLVNlY3JldA==\n-----END EC PRIVATE KEY-----",
        "-----BEGIN DSA PRIVATE KEY-----\nVG9wLVNlY3JldA==\n-----END DSA PRIVATE KEY-----",
        "-----BEGIN CERTIFICATE-----\nVG9wLVNlY3JldA==\n-----END CERTIFICATE-----"
      })
  void whatIsNoKeyIsRefusedWithoutBeingQuoted(String text) {
    assertThatThrownBy(() -> read("rsa.crt", text.getBytes(StandardCharsets.US_ASCII)))
        .isInstanceOf(PemException.class)
        .hasNoCause()
        .message()
        .doesNotContain("ecret")
        .doesNotContain("VG9w");
  }

  @Test
  void aKeyThatCannotSignIsRefused() {
    assertThatThrownBy(() -> read("rsa.crt", file("x25519.key")))
        .hasMessageContaining("is no private key that can be used; use RSA, EC");
  }

  @Test
  void everyCertificateOfAChainIsRead() throws Exception {
    String both =
        "A line for people.\n"
            + new String(file("ec.crt"), StandardCharsets.US_ASCII)
            + new String(file("rsa.crt"), StandardCharsets.US_ASCII);
    assertThat(Pem.certificates(both.getBytes(StandardCharsets.US_ASCII)))
        .extracting(certificate -> certificate.getPublicKey().getAlgorithm())
        .containsExactly("EC", "RSA");
    for (String bad : List.of("", "PEM", both.substring(0, 400), both.replace("MII", "AAA"))) {
      assertThatThrownBy(() -> Pem.certificates(bad.getBytes(StandardCharsets.US_ASCII)))
          .isInstanceOf(PemException.class);
    }
  }
}
