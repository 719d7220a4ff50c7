package dev.chaperone.operator.reading;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.operator.reading.RecordingRequest.From;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.store.StoreSettings;
import dev.chaperone.operator.store.StoredRecording;
import dev.chaperone.recording.Position;
import io.vertx.core.buffer.Buffer;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordingStreamTest {
  private static final Duration LONG = Duration.ofMinutes(5);

  @TempDir Path volume;
  private RecordingStore store;
  private Path session;

  /** Keeps what it is given. */
  private static final class Reader implements RecordingStream.Reader {
    private final Buffer taken = Buffer.buffer();

    @Override
    public void take(Buffer buffer) {
      taken.appendBuffer(buffer);
    }

    @Override
    public boolean isGone() {
      return false;
    }

    String text() {
      return taken.toString(StandardCharsets.ISO_8859_1);
    }
  }

  @BeforeEach
  void open() throws IOException {
    store = RecordingStore.open(new StoreSettings(volume, "operator-0", 1 << 20, 1 << 20, 1 << 20));
    session = Files.createDirectories(volume.resolve("uid-0").resolve("s-1"));
    Files.writeString(session.resolve("key.pub.pem"), "KEY");
    Files.writeString(session.resolve("countersigned.heads"), "HEADS");
    Files.writeString(session.resolve("000001.seg"), "first");
    Files.writeString(session.resolve("000002.seg"), "second");
  }

  @AfterEach
  void close() {
    store.close();
  }

  private StoredRecording recording() {
    return store.recording("uid-0", "s-1").orElseThrow();
  }

  private String sent(From from, Duration most) throws Exception {
    Reader reader = new Reader();
    RecordingStream stream = new RecordingStream(recording(), from, reader);
    stream.check();
    stream.send(most);
    return reader.text();
  }

  @Test
  void theHeadsComeBeforeTheSegmentsTheyCover() throws Exception {
    assertThat(sent(From.START, LONG))
        .isEqualTo(
            "chaperone recording 1\n"
                + "file key.pub.pem 0 3\nKEY"
                + "file countersigned.heads 0 5\nHEADS"
                + "file 000001.seg 0 5\nfirst"
                + "file 000002.seg 0 6\nsecond"
                + "end 2:6:5 whole\n");
  }

  @Test
  void aDownloadGoesOnWhereItWasCutOff() throws Exception {
    assertThat(sent(new From(new Position(1, 3), 5), LONG))
        .isEqualTo(
            "chaperone recording 1\n"
                + "file 000001.seg 3 2\nst"
                + "file 000002.seg 0 6\nsecond"
                + "end 2:6:5 whole\n");
    assertThat(sent(new From(new Position(2, 6), 5), LONG))
        .isEqualTo("chaperone recording 1\nend 2:6:5 whole\n");
  }

  @Test
  void aRecordingThatLeavesTheVolumeMeanwhileHasNoEnd() throws Exception {
    StoredRecording recording = recording();
    for (String name : new String[] {"000002.seg", "000001.seg", "key.pub.pem"}) {
      Files.delete(session.resolve(name));
    }
    Reader reader = new Reader();
    RecordingStream stream =
        new RecordingStream(recording, new From(new Position(1, 5), 5), reader);
    assertThatThrownBy(() -> stream.send(LONG)).isInstanceOf(EOFException.class);
    assertThat(reader.text()).doesNotContain("end ");
  }

  @Test
  void whatTakesTooLongSaysWhereToGoOn() throws Exception {
    assertThat(sent(From.START, Duration.ZERO))
        .isEqualTo("chaperone recording 1\nfile key.pub.pem 0 3\nKEYend 1:0:0 more\n");
  }

  @Test
  void aPlaceBehindTheEndIsRefused() {
    for (From from :
        new From[] {
          new From(new Position(1, 6), 0),
          new From(new Position(3, 1), 0),
          new From(new Position(1, 0), 6)
        }) {
      assertThatThrownBy(() -> sent(from, LONG)).isInstanceOf(ApiException.class);
    }
  }

  @Test
  void noFileButThoseOfARecordingIsOpened() throws Exception {
    Files.writeString(volume.resolve("uid-0").resolve("secret"), "secret");
    for (String name : new String[] {"../secret", "secret", "000001.seg/..", "", ".lock"}) {
      assertThatThrownBy(() -> recording().bytes(name))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> recording().open(name)).isInstanceOf(IllegalArgumentException.class);
    }
    for (String name : new String[] {"..", "../uid-0/s-1", "s/1", ""}) {
      assertThatThrownBy(() -> store.recording("uid-0", name))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> store.recording(name, "s-1"))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(store.recording("uid-0", "s-2")).isEmpty();
    Files.createSymbolicLink(session.resolve("000003.seg"), Path.of("/etc/hostname"));
    assertThatThrownBy(() -> recording().open("000003.seg")).isInstanceOf(IOException.class);
  }
}
