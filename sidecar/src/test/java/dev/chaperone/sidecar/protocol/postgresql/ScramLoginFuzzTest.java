package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.control.translation.SecretBytes;
import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What a target that does not know the password says in SCRAM: it is never believed, and nothing
 * comes of it but a refusal.
 */
class ScramLoginFuzzTest extends FuzzTest {
  private static final SecretBytes PASSWORD =
      new SecretBytes("pencil".getBytes(StandardCharsets.UTF_8));
  private static final int FIRST_BYTES = 400;

  private final ScramKeys keys = new ScramKeys();

  /** The target's first message behind our own nonce, a line's end, and its last one. */
  @Override
  protected List<byte[]> seeds() {
    return texts(
        "\0server,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096\nv=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        "\1server,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1,x=y\ne=invalid-proof",
        "\2,s=,i=0\nv=",
        "\3r=x,s=QQ==,i=99999999999\n");
  }

  @Override
  protected List<String> words() {
    return List.of(",", "=", "r=", "s=", "i=1", "v=", "e=other-error", "m=", "QUJD", "==", "\n");
  }

  @Override
  protected void fuzz(byte[] input) {
    FuzzInput in = new FuzzInput(input);
    int kind = in.octet() % 4;
    ScramBinding binding =
        kind == 0
            ? ScramBinding.to(new byte[32])
            : kind == 1 ? ScramBinding.NOT_OFFERED : ScramBinding.NONE;
    ScramLogin login = new ScramLogin(PASSWORD, keys, binding);
    String nonce =
        new String(login.firstMessage(), StandardCharsets.UTF_8).replaceAll("(?s).*r=", "");
    String said = in.text();
    int line = said.indexOf('\n');
    String first = line < 0 ? said : said.substring(0, line);
    String last = line < 0 ? "" : said.substring(line + 1);
    if (first.length() > FIRST_BYTES || first.matches("(?s).*i=0*[1-9][0-9]{4,5}(,.*|$)")) {
      // Half a second of work, which is allowed, would be all that is done here.
      return;
    }
    boolean believed = false;
    try {
      assertThat(login.finalMessage(kind == 3 ? first : "r=" + nonce + first)).isNotEmpty();
      login.verify(last);
      believed = true;
    } catch (LoginFailure e) {
      assertThat(e).hasMessageNotContaining("pencil");
    }
    assertThat(believed).isFalse();
  }
}
