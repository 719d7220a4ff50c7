package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.ongres.scram.common.ScramFunctions;
import dev.chaperone.control.translation.SecretBytes;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.Test;

class ScramLoginTest {
  private static final String SALT = "W22ZaJ0SNY7soEsUEjb6gQ==";

  private final ScramKeys keys = new ScramKeys();

  private static SecretBytes password(String text) {
    return new SecretBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  /** RFC 7677 section 3. */
  @Test
  void derivesTheKeysOfTheStandardsExample() {
    String nonces = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    String messages =
        "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" + nonces + ",s=" + SALT + ",i=4096,c=biws,r=" + nonces;
    ScramKeys.Keys derived = keys.of(password("pencil"), SALT, 4096);
    assertThat(ScramFunctions.serverSignature(ScramKeys.MECHANISM, derived.server(), messages))
        .isEqualTo(Base64.getDecoder().decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
  }

  @Test
  void keysAreDerivedOnceForOnePasswordSaltAndIterationCount() {
    ScramKeys.Keys first = keys.of(password("pencil"), SALT, 4096);
    assertThat(keys.of(password("pencil"), SALT, 4096)).isSameAs(first);
    assertThat(keys.of(password("pencil2"), SALT, 4096).client()).isNotEqualTo(first.client());
    assertThat(keys.of(password("pencil"), "AAAAAJ0SNY7soEsUEjb6gQ==", 4096).client())
        .isNotEqualTo(first.client());
    assertThat(keys.of(password("pencil"), SALT, 4097).client()).isNotEqualTo(first.client());
  }

  @Test
  void refusesWhatNoHonestServerSends() {
    ScramLogin login = new ScramLogin(password("pencil"), keys, ScramBinding.NONE);
    String nonce = new String(login.firstMessage(), StandardCharsets.UTF_8).replaceAll(".*r=", "");
    for (String message :
        new String[] {
          "r=" + nonce + "server,s=" + SALT + ",i=1000001",
          "r=" + nonce + "server,s=" + SALT + ",i=99999999999",
          "r=" + nonce + "server,s=" + SALT + ",i=0",
          "r=" + nonce + "server,s=!!,i=4096",
          "r=" + nonce + "server,s=,i=4096",
          "r=" + nonce + "server",
          "r=" + nonce + "server,s=" + SALT,
          "r=" + nonce + "server,i=4096",
          "r=another,s=" + SALT + ",i=4096",
          "r=" + nonce + ",s=" + SALT + ",i=4096",
          "",
        }) {
      assertThatThrownBy(() -> login.finalMessage(message))
          .as(message)
          .isInstanceOf(LoginFailure.class);
    }
  }

  /** RFC 5802, section 7: gs2-header and channel-binding. */
  @Test
  void saysInBothMessagesWhatTheLogInIsBoundTo() throws LoginFailure {
    byte[] hash = {1, 2, 3};
    assertThat(messages(ScramBinding.to(hash)))
        .startsWith("SCRAM-SHA-256-PLUS p=tls-server-end-point,,n=*,r=")
        .contains(" c=" + base64("p=tls-server-end-point,,\1\2\3") + ",r=");
    assertThat(messages(ScramBinding.NOT_OFFERED))
        .startsWith("SCRAM-SHA-256 y,,n=*,r=")
        .contains(" c=" + base64("y,,") + ",r=");
    assertThat(messages(ScramBinding.NONE))
        .startsWith("SCRAM-SHA-256 n,,n=*,r=")
        .contains(" c=" + base64("n,,") + ",r=");
  }

  private String messages(ScramBinding binding) throws LoginFailure {
    ScramLogin login = new ScramLogin(password("pencil"), keys, binding);
    String first = new String(login.firstMessage(), StandardCharsets.UTF_8);
    String nonce = first.replaceAll(".*r=", "");
    byte[] last = login.finalMessage("r=" + nonce + "server,s=" + SALT + ",i=4096");
    return login.mechanism() + " " + first + " " + new String(last, StandardCharsets.UTF_8);
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void aServerThatDoesNotKnowThePasswordIsFoundOut() throws LoginFailure {
    ScramLogin login = new ScramLogin(password("pencil"), keys, ScramBinding.NONE);
    assertThatThrownBy(() -> login.verify("v=")).isInstanceOf(LoginFailure.class);
    String nonce = new String(login.firstMessage(), StandardCharsets.UTF_8).replaceAll(".*r=", "");
    assertThat(
            new String(
                login.finalMessage("r=" + nonce + "server,s=" + SALT + ",i=4096"),
                StandardCharsets.UTF_8))
        .startsWith("c=biws,r=" + nonce + "server,p=");
    assertThatThrownBy(() -> login.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))
        .isInstanceOf(LoginFailure.class);
  }
}
