package dev.chaperone.operator.reading;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.operator.admission.AdmissionRequest.User;
import dev.chaperone.operator.channel.TestAuthority;
import io.vertx.core.MultiMap;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FrontProxyTest {
  private static final TestAuthority PROXIES = new TestAuthority();
  private static final TestAuthority OTHERS = new TestAuthority();
  private static final Map<String, String> DATA =
      Map.of(
          "requestheader-client-ca-file", PROXIES.pem(),
          "requestheader-allowed-names", "[\"front-proxy-client\"]",
          "requestheader-username-headers", "[\"X-Remote-User\"]",
          "requestheader-group-headers", "[\"X-Remote-Group\"]",
          "requestheader-extra-headers-prefix", "[\"X-Remote-Extra-\"]");

  private static MultiMap headers() {
    return MultiMap.caseInsensitiveMultiMap()
        .add("X-Remote-User", "ann")
        .add("X-Remote-Group", "auditors")
        .add("X-Remote-Group", "system:authenticated")
        .add("X-Remote-Extra-Acme.com%2Fproject", "one");
  }

  private static Optional<User> authenticate(
      Map<String, String> data, List<X509Certificate> chain, MultiMap headers) throws IOException {
    return FrontProxy.authenticate(FrontProxySettings.read(data), chain, headers);
  }

  private static Map<String, String> with(String key, String value) {
    Map<String, String> data = new HashMap<>(DATA);
    data.put(key, value);
    return data;
  }

  @Test
  void theApiServerIsBelievedByItsCertificateAndSaysForWhomItAsks() throws Exception {
    User user =
        authenticate(DATA, PROXIES.client("front-proxy-client").chain(), headers()).orElseThrow();
    assertThat(user.name()).isEqualTo("ann");
    assertThat(user.groups()).containsExactly("auditors", "system:authenticated");
    assertThat(user.extra()).containsExactly(Map.entry("acme.com/project", List.of("one")));
  }

  @Test
  void headersOfAnybodyElseAreNothing() throws Exception {
    assertThat(authenticate(DATA, List.of(), headers())).as("no certificate").isEmpty();
    assertThat(authenticate(DATA, OTHERS.client("front-proxy-client").chain(), headers()))
        .as("another authority")
        .isEmpty();
    assertThat(authenticate(DATA, PROXIES.client("somebody").chain(), headers()))
        .as("another name")
        .isEmpty();
    assertThat(authenticate(DATA, List.of(PROXIES.certificate()), headers()))
        .as("the authority itself")
        .isEmpty();
  }

  @Test
  void anyNameWillDoWhereNoneIsSaidAndOtherAuthoritiesCountAtOnce() throws Exception {
    assertThat(
            authenticate(
                with("requestheader-allowed-names", "[]"),
                PROXIES.client("somebody").chain(),
                headers()))
        .isPresent();
    assertThat(
            authenticate(
                with("requestheader-client-ca-file", OTHERS.pem()),
                PROXIES.client("front-proxy-client").chain(),
                headers()))
        .isEmpty();
  }

  @Test
  void withoutAUserNobodyAsks() throws Exception {
    assertThat(
            authenticate(
                DATA,
                PROXIES.client("front-proxy-client").chain(),
                MultiMap.caseInsensitiveMultiMap().add("X-Remote-Group", "system:masters")))
        .isEmpty();
    assertThat(
            authenticate(
                DATA,
                PROXIES.client("front-proxy-client").chain(),
                MultiMap.caseInsensitiveMultiMap().add("X-Remote-User", "")))
        .isEmpty();
  }

  @Test
  void whatCannotBeReadLetsNobodyIn() {
    for (Map<String, String> data :
        List.of(
            Map.<String, String>of(),
            with("requestheader-client-ca-file", ""),
            with("requestheader-client-ca-file", "no certificate"),
            with("requestheader-username-headers", "[]"),
            with("requestheader-allowed-names", "{}"),
            with("requestheader-allowed-names", "[1]"),
            with("requestheader-allowed-names", "["))) {
      assertThatThrownBy(() -> FrontProxySettings.read(data))
          .as(data.toString())
          .isInstanceOf(IOException.class);
    }
  }
}
