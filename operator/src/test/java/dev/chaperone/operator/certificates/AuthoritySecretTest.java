package dev.chaperone.operator.certificates;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.operator.certificates.AuthoritySecret.Damaged;
import dev.chaperone.operator.certificates.AuthoritySecret.Understood;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
}
