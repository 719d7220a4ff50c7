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
    ScramLogin login = new ScramLogin(password("pencil"), keys);
    String nonce = new String(login.firstMessage(), StandardCharsets.UTF_8).replaceAll(".*r=", "");
    for (String message :
        new String[] {
          "r=" + nonce + "server,s=" + SALT + ",i=1000001",
          "r=" + nonce + "server,s=" + SALT + ",i=99999999999",
          "r=" + nonce + "server,s=" + SALT + ",i=0",
          "r=" + nonce + "server,s=!!,i=4096",
          "r=" + nonce + "server,s=,i=4096",
          "r=another,s=" + SALT + ",i=4096",
          "r=" + nonce + ",s=" + SALT + ",i=4096",
          "",
        }) {
      assertThatThrownBy(() -> login.finalMessage(message))
          .as(message)
          .isInstanceOf(LoginFailure.class);
    }
  }

  @Test
  void aServerThatDoesNotKnowThePasswordIsFoundOut() throws LoginFailure {
    ScramLogin login = new ScramLogin(password("pencil"), keys);
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
