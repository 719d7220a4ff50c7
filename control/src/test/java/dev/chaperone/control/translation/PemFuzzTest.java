package dev.chaperone.control.translation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzTest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Certificates and private keys: no refusal repeats what came in. */
class PemFuzzTest extends FuzzTest {
  private static final Path FILES = Path.of("src/test/resources/pem");

  private final List<PublicKey> keys = new ArrayList<>();

  PemFuzzTest() throws Exception {
    for (String file : List.of("rsa.crt", "ec.crt", "ed25519.crt")) {
      keys.add(Pem.certificates(Files.readAllBytes(FILES.resolve(file))).get(0).getPublicKey());
    }
  }

  @Override
  protected List<byte[]> seeds() throws Exception {
    List<byte[]> seeds = new ArrayList<>();
    try (Stream<Path> files = Files.list(FILES)) {
      for (Path file : files.sorted().toList()) {
        seeds.add(Files.readAllBytes(file));
      }
    }
    return seeds;
  }

  @Override
  protected List<String> words() {
    return List.of(
        "-----BEGIN ",
        "-----END ",
        "-----",
        "CERTIFICATE",
        "PRIVATE KEY",
        "RSA ",
        "EC ",
        "ENCRYPTED ",
        "Proc-Type:",
        "\n",
        "MII",
        "=");
  }

  @Override
  protected void fuzz(byte[] input) {
    try {
      assertThat(Pem.certificates(input)).isNotEmpty();
    } catch (PemException e) {
      assertIsOurs(e);
    }
    for (PublicKey key : keys) {
      try {
        assertThat(Pem.privateKey(input, key)).isNotNull();
      } catch (PemException e) {
        assertIsOurs(e);
      }
    }
  }

  private static void assertIsOurs(PemException e) {
    assertThat(e.getMessage()).hasSizeLessThan(200);
    assertThat(e).hasNoCause();
  }
}
