package dev.chaperone.recording;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordingKeyTest {
  @TempDir Path directory;

  private RecordingKey readOrCreate() throws IOException {
    return RecordingKey.readOrCreate(
        directory.resolve("key.pem"), directory.resolve("key.pub.pem"));
  }

  @Test
  void theKeyIsTheOwnersAlone() throws IOException {
    readOrCreate();
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(directory.resolve("key.pem"))))
        .isEqualTo("rw-------");
    assertThat(directory).isDirectoryNotContaining("glob:**.tmp");
  }

  @Test
  void theSameKeyIsReadAgain() throws IOException {
    RecordingKey made = readOrCreate();
    RecordingKey read = readOrCreate();
    assertThat(read.publicKey().id()).isEqualTo(made.publicKey().id());
    PublicKeyFile file = PublicKeyFile.read(directory.resolve("key.pub.pem"));
    Checkpoint checkpoint = new ChainWriter("s", made.publicKey().id()).checkpoint(1);
    assertThat(file.verifies(checkpoint.message(), read.sign(checkpoint))).isTrue();
  }

  @Test
  void aPublicKeyThatDoesNotBelongIsReplaced() throws IOException {
    RecordingKey made = readOrCreate();
    Files.writeString(directory.resolve("key.pub.pem"), RecordingKey.generate().publicKey().pem());
    readOrCreate();
    assertThat(PublicKeyFile.read(directory.resolve("key.pub.pem")).id())
        .isEqualTo(made.publicKey().id());
  }

  @Test
  void aKeyThatOthersMayReadIsRefused() throws IOException {
    readOrCreate();
    Path file = directory.resolve("key.pem");
    for (String mode : new String[] {"rw-r-----", "rw----r--", "rwxrwxrwx"}) {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
      assertThatThrownBy(this::readOrCreate)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("others may read");
    }
  }

  @Test
  void whatIsNoKeyIsRefusedAndNotShown() throws IOException {
    Path file = directory.resolve("key.pem");
    for (String content :
        new String[] {
          "",
          "s3cret",
          "-----BEGIN PRIVATE KEY-----\ns3cret!\n-----END PRIVATE KEY-----\n",
          "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
        }) {
      Files.writeString(file, content);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
      assertThatThrownBy(this::readOrCreate)
          .isInstanceOf(IOException.class)
          .hasMessageNotContaining("s3cret");
    }
  }

  @Test
  void ofSeveralFirstRunsOneMakesTheKey() throws Exception {
    var threads = Executors.newFixedThreadPool(8);
    try {
      var made =
          threads.invokeAll(
              IntStream.range(0, 8)
                  .<Callable<Bytes>>mapToObj(
                      i ->
                          () ->
                              RecordingKey.readOrCreate(
                                      directory.resolve("key.pem"),
                                      directory.resolve("pub" + i + ".pem"))
                                  .publicKey()
                                  .id())
                  .toList());
      for (var id : made) {
        assertThat(id.get()).isEqualTo(made.get(0).get());
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
