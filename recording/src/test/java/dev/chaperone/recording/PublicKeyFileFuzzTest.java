package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzInput;
import dev.chaperone.policy.testing.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Files of public keys: what is read is written as a file that is read alike. */
class PublicKeyFileFuzzTest extends FuzzTest {

  @Override
  protected List<byte[]> seeds() {
    String pem = RecordingKey.generate().publicKey().pem();
    return texts(pem, pem + pem, "# of the store\r\n" + pem.replace("\n", "\r\n"));
  }

  @Override
  protected List<String> words() {
    return List.of(
        "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----", "MCowBQYDK2VwAyEA", "=");
  }

  @Override
  protected void fuzz(byte[] input) throws IOException {
    List<PublicKeyFile> keys;
    try {
      keys = PublicKeyFile.parseAll(new FuzzInput(input).text());
    } catch (IOException e) {
      return;
    }
    assertThat(keys).isNotEmpty();
    for (PublicKeyFile key : keys) {
      assertThat(PublicKeyFile.of(key.encoded()).id()).isEqualTo(key.id());
      assertThat(PublicKeyFile.parseAll(key.pem()).get(0).id()).isEqualTo(key.id());
    }
    assertThat(keys.get(0).pem().getBytes(StandardCharsets.UTF_8)).isNotEmpty();
  }
}
