package dev.chaperone.operator.certificates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.operator.certificates.AuthoritySecret.Damaged;
import dev.chaperone.operator.certificates.AuthoritySecret.Understood;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AuthoritySecretTest {
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration LIFE = Duration.ofDays(30);
  private static final Authority FIRST = Authority.create(NOW, LIFE);
  private static final Authority SECOND = FIRST.renewed(NOW, LIFE);
  private static final Map<String, byte[]> OTHER =
      AuthoritySecret.write(Authority.create(NOW, LIFE).renewed(NOW, LIFE));

  private static void assertSame(Authority authority) {
    Authority read =
        ((Understood) AuthoritySecret.read(AuthoritySecret.write(authority))).authority();
    assertThat(read.current().certificate()).isEqualTo(authority.current().certificate());
    assertThat(read.current().key()).isEqualTo(authority.current().key());
    assertThat(read.overlap()).isEqualTo(authority.overlap());
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    assertSame(FIRST);
    assertSame(SECOND);
  }

  @ParameterizedTest
  @CsvSource({
    "tls.crt, missing, tls.crt is missing",
    "tls.crt, empty, tls.crt is missing",
    "tls.crt, garbage, tls.crt is not a certificate in PEM",
    "tls.crt, large, tls.crt is larger than 16384 bytes",
    "tls.crt, other, tls.key is not the key of tls.crt",
    "tls.key, missing, tls.key is missing",
    "tls.key, garbage, tls.key is no private key in PEM (PKCS #8)",
    "tls.key, other, tls.key is not the key of tls.crt",
    "previous.crt, missing, previous.crt is missing",
    "previous.crt, other, bridge.crt does not lead from previous.crt to tls.crt",
    "bridge.crt, missing, bridge.crt is missing",
    "bridge.crt, other, bridge.crt does not lead from previous.crt to tls.crt"
  })
  void whatIsDamagedIsSaid(String key, String how, String problem) {
    Map<String, byte[]> data = new HashMap<>(AuthoritySecret.write(SECOND));
    switch (how) {
      case "missing" -> data.remove(key);
      case "empty" -> data.put(key, new byte[0]);
      case "large" -> data.put(key, new byte[20_000]);
      case "other" -> data.put(key, OTHER.get(key));
      default -> data.put(key, "garbage".getBytes(StandardCharsets.US_ASCII));
    }
    assertThat(AuthoritySecret.read(data)).isEqualTo(new Damaged(problem));
  }

  @Test
  void aKeyThatIsNoneOfACurveIsSaidWithoutAnyOfIt() {
    Map<String, byte[]> data = new HashMap<>(AuthoritySecret.write(FIRST));
    data.put(
        "tls.key",
        "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
            .getBytes(StandardCharsets.US_ASCII));
    assertThat(AuthoritySecret.read(data))
        .isEqualTo(new Damaged("tls.key is no private key of an elliptic curve"));
  }

  @Test
  void aServersCertificateIsNoAuthority() {
    Map<String, byte[]> data = new HashMap<>(AuthoritySecret.write(FIRST));
    data.put(
        "tls.crt",
        Pem.certificates(FIRST.current().server(List.of("localhost"), NOW, LIFE, List.of()).chain())
            .getBytes(StandardCharsets.US_ASCII));
    assertThat(AuthoritySecret.read(data))
        .isEqualTo(new Damaged("tls.crt is not that of an authority"));
  }

  @Test
  void anIssuedAuthorityIsReadWithTheWayToWhoHasIssuedIt() throws Exception {
    TestIssuer issuer = new TestIssuer();
    IssuedAuthority read =
        AuthoritySecret.readIssued(issuer.secret(Duration.ofDays(1)), Instant.now());
    assertThat(Pem.certificates(read.trusted(NOW))).isEqualTo(issuer.pem());
    assertThat(read.between(NOW)).containsExactly(read.current().certificate());
  }

  @Test
  void anIssuersOwnCertificateBehindTheAuthoritysIsLeftOut() throws Exception {
    TestIssuer issuer = new TestIssuer();
    Map<String, byte[]> data = new HashMap<>(issuer.secret(Duration.ofDays(1)));
    String chain = new String(data.get("tls.crt"), StandardCharsets.US_ASCII) + issuer.pem();
    data.put("tls.crt", chain.getBytes(StandardCharsets.US_ASCII));
    assertThat(AuthoritySecret.readIssued(data, Instant.now()).between(NOW)).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({
    "tls.crt, garbage, tls.crt is not a certificate in PEM",
    "tls.crt, other, tls.key is not the key of tls.crt",
    "tls.key, missing, tls.key is missing",
    "tls.key, garbage, tls.key is no private key in PEM (PKCS #8)",
    "ca.crt, missing, ca.crt is missing",
    "ca.crt, garbage, ca.crt is not a certificate in PEM",
    "ca.crt, large, ca.crt is larger than 16384 bytes",
    "ca.crt, other, tls.crt does not lead to ca.crt"
  })
  void whatOthersCouldNotRelyOnIsSaid(String key, String how, String problem) {
    Map<String, byte[]> data = new HashMap<>(new TestIssuer().secret(Duration.ofDays(1)));
    switch (how) {
      case "missing" -> data.remove(key);
      case "large" -> data.put(key, new byte[20_000]);
      case "other" -> data.put(key, new TestIssuer().secret(Duration.ofDays(1)).get(key));
      default -> data.put(key, "garbage".getBytes(StandardCharsets.US_ASCII));
    }
    assertNotIssued(data, Instant.now(), problem);
  }

  @Test
  void whatMayNotSignIsNoAuthorityAndOneThatHasExpiredOrIssuedItselfIsNotUsed() {
    TestIssuer issuer = new TestIssuer();
    Duration life = Duration.ofDays(1);
    String none = "tls.crt is not that of an authority (isCA: true)";
    assertNotIssued(
        issuer.secret(life, new BasicConstraints(false), KeyUsage.keyCertSign),
        Instant.now(),
        none);
    assertNotIssued(
        issuer.secret(life, new BasicConstraints(true), KeyUsage.digitalSignature),
        Instant.now(),
        none);
    assertNotIssued(
        issuer.secret(life), Instant.now().plus(life), "tls.crt has expired and was not renewed");
    assertNotIssued(
        issuer.ofItsOwn(),
        Instant.now(),
        "tls.crt has issued itself, so that those who believe it would not believe the next one:"
            + " take an issuer that has an authority of its own");
  }

  private static void assertNotIssued(Map<String, byte[]> data, Instant now, String problem) {
    assertThatThrownBy(() -> AuthoritySecret.readIssued(data, now))
        .isInstanceOf(AuthoritySecret.DamagedException.class)
        .hasMessage(problem);
  }
}
