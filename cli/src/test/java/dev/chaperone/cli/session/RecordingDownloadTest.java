package dev.chaperone.cli.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordingDownloadTest {
  private static final String FIRST = "chaperone recording 1\n";
  private static final String WHOLE =
      FIRST
          + "file key.pub.pem 0 3\nKEY"
          + "file countersigned.heads 0 5\nHEADS"
          + "file 000001.seg 0 5\nfirst"
          + "file 000002.seg 0 3\nsec"
          + "file 000002.seg 3 3\nond"
          + "end 2:6:5 whole\n";

  @TempDir Path temporary;
  private Path directory;
  private RecordingDownload download;

  @BeforeEach
  void begin() throws IOException {
    directory = Files.createDirectory(temporary.resolve("s-1"));
    download = new RecordingDownload(directory, 1_000);
  }

  private boolean take(String stream) throws IOException {
    return download.take(new ByteArrayInputStream(stream.getBytes(StandardCharsets.ISO_8859_1)));
  }

  private void requireWhole() throws IOException {
    assertThat(directory.resolve("key.pub.pem")).hasContent("KEY");
    assertThat(directory.resolve("countersigned.heads")).hasContent("HEADS");
    assertThat(directory.resolve("000001.seg")).hasContent("first");
    assertThat(directory.resolve("000002.seg")).hasContent("second");
  }

  @Test
  void filesAreWhatWasSent() throws IOException {
    assertThat(download.from()).isEqualTo("1:0:0");
    assertThat(take(WHOLE)).isTrue();
    requireWhole();
    assertThat(download.from()).isEqualTo("2:6:5");
    assertThat(take(FIRST + "end 2:6:5 whole\n")).isTrue();
  }

  /** Cut off behind every byte, it is asked for what is left, and comes to the same. */
  @Test
  void aDownloadThatIsCutOffGoesOnWhereItWas() throws IOException {
    for (int cut = 0; cut < WHOLE.length(); cut++) {
      directory = Files.createDirectory(temporary.resolve("cut-" + cut));
      download = new RecordingDownload(directory, 1_000);
      String cutOff = WHOLE.substring(0, cut);
      assertThatThrownBy(() -> take(cutOff)).as("at %s", cut).isInstanceOf(EOFException.class);
      assertThat(take(rest(download.from()))).isTrue();
      requireWhole();
    }
  }

  /** What a store sends from there on. */
  private static String rest(String from) {
    String[] at = from.split(":", -1);
    int segment = Integer.parseInt(at[0]);
    int offset = Integer.parseInt(at[1]);
    int heads = Integer.parseInt(at[2]);
    StringBuilder stream = new StringBuilder(FIRST);
    if (segment == 1 && offset == 0) {
      stream.append("file key.pub.pem 0 3\nKEY");
    }
    part(stream, "countersigned.heads", "HEADS", heads);
    if (segment == 1) {
      part(stream, "000001.seg", "first", offset);
    }
    part(stream, "000002.seg", "second", segment == 2 ? offset : 0);
    return stream.append("end 2:6:5 whole\n").toString();
  }

  private static void part(StringBuilder stream, String name, String content, int from) {
    if (from < content.length()) {
      stream
          .append("file ")
          .append(name)
          .append(' ')
          .append(from)
          .append(' ')
          .append(content.length() - from)
          .append('\n')
          .append(content.substring(from));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{\"kind\":\"Status\"}\n",
        "chaperone recording 2\n",
        FIRST + "file ../evil 0 1\nx",
        FIRST + "file /etc/passwd 0 1\nx",
        FIRST + "file evil.txt 0 1\nx",
        FIRST + "file 000003.seg 0 1\nx",
        FIRST + "file 000001.seg 1 1\nx",
        FIRST + "file 000001.seg 0 1001\nx",
        FIRST + "file 000001.seg 0 -1\nx",
        FIRST + "file 000001.seg 0 99999999999999999999\nx",
        FIRST + "file 000001.seg 0 1\nxgarbage\n",
        FIRST + "end\n",
        FIRST + "end 1:0:0 perhaps\n"
      })
  void whatNoStoreSendsIsRefusedAndNothingIsWrittenElsewhere(String stream) throws IOException {
    assertThatThrownBy(() -> take(stream)).isInstanceOf(IOException.class);
    try (Stream<Path> files = Files.walk(temporary)) {
      assertThat(files.filter(Files::isRegularFile)).allMatch(file -> file.startsWith(directory));
    }
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).allMatch(file -> file.endsWith("000001.seg"));
    }
  }

  @Test
  void aLineWithoutAnEndIsNotReadForEver() {
    assertThatThrownBy(() -> take("x".repeat(10_000)))
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(EOFException.class);
  }
}
