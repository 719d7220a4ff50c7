package dev.chaperone.operator.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A receipt on a disk that may have lost half of it: it is whole, or said to be damaged. */
class UploadReceiptFuzzTest extends FuzzTest {
  private final Path file;

  UploadReceiptFuzzTest() throws IOException {
    file = temporaryDirectory().resolve(UploadReceipt.NAME);
  }

  @Override
  protected List<byte[]> seeds() throws IOException {
    UploadReceipt none = UploadReceipt.none("w", "support", "orders-db");
    none.withManifest(new UploadReceipt.Whole(7, "sha256:" + "0".repeat(64), 4096, true))
        .inParts(new UploadReceipt.Parts("upload", 8 << 20))
        .write(file);
    byte[] full = Files.readAllBytes(file);
    none.write(file);
    return List.of(full, Files.readAllBytes(file), "null".getBytes(StandardCharsets.UTF_8));
  }

  @Override
  protected List<String> words() {
    return List.of(
        "null",
        "{}",
        "[]",
        "-1",
        "1e9",
        "true",
        "\"\"",
        "\"whole\":",
        "\"parts\":",
        "\"segment\":",
        "\"head\":",
        "\"upload\":",
        "999999999999",
        ",",
        ":");
  }

  @Override
  protected void fuzz(byte[] input) throws IOException {
    Files.write(file, input);
    Optional<UploadReceipt> read;
    try {
      read = UploadReceipt.read(file);
    } catch (IOException e) {
      assertThat(e).hasMessage(file + " is damaged");
      return;
    }
    UploadReceipt receipt = read.orElseThrow();
    assertThat(receipt.at().segment()).isPositive();
    assertThat(receipt.extent().map(extent -> extent.bytes()).orElse(0L)).isNotNegative();
    receipt.write(file);
    assertThat(UploadReceipt.read(file)).contains(receipt);
  }
}
