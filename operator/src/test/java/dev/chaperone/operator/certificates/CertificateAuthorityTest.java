package dev.chaperone.operator.certificates;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.operator.channel.ServerIdentity;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.Test;

class CertificateAuthorityTest {
  private final Instant now = Instant.now();
  private static final Duration LIFE = Duration.ofDays(30);
  private final Authority first = Authority.create(now, LIFE);
  private final Authority second = first.renewed(now, LIFE);

  private ServerIdentity server(Authority authority, Duration life) {
    return authority
        .current()
        .server(List.of("operator.example", "127.0.0.1"), now, life, authority.between(now));
  }

  /** As TLS of the Java runtime checks it. */
  private static void check(ServerIdentity identity, X509Certificate trusted) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry("trusted", trusted);
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    ((X509TrustManager) factory.getTrustManagers()[0])
        .checkServerTrusted(identity.chain().toArray(X509Certificate[]::new), "ECDHE_ECDSA");
  }

  @Test
  void whoeverTrustsTheAuthorityTrustsItsServers() throws Exception {
    check(server(first, LIFE), first.current().certificate());
  }

  @Test
  void whoeverTrustsOnlyTheOneBeforeOrOnlyTheNewOneTrustsTheServersOfTheNewOne() throws Exception {
    check(server(second, LIFE), first.current().certificate());
    check(server(second, LIFE), second.current().certificate());
  }

  @Test
  void nobodyElseDoes() {
    X509Certificate other = Authority.create(now, LIFE).current().certificate();
    assertThatThrownBy(() -> check(server(second, LIFE), other))
        .isInstanceOf(CertificateException.class);
  }

  @Test
  void aServersCertificateEndsWithItsAuthority() {
    assertThat(server(first, LIFE.multipliedBy(2)).chain().get(0).getNotAfter())
        .isEqualTo(first.current().certificate().getNotAfter());
  }

  @Test
  void noKeyIsInAnyText() {
    assertThat(first.toString() + second.current() + server(first, LIFE)).doesNotContain("PRIVATE");
    assertThat(first.current().toString())
        .matches("CertificateAuthority\\[CN=Chaperone CA [^\\]]*]");
  }
}
