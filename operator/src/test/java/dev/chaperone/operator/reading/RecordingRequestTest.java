package dev.chaperone.operator.reading;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.chaperone.operator.reading.RecordingRequest.Files;
import dev.chaperone.operator.reading.RecordingRequest.From;
import dev.chaperone.operator.reading.RecordingRequest.Metadata;
import dev.chaperone.operator.reading.RecordingRequest.Name;
import dev.chaperone.recording.Position;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordingRequestTest {
  private static final String ORDERS = RecordingRequest.API + "/namespaces/support/recordings/s-1";
  private static final Name NAME = new Name("support", "s-1");

  private static int refused(String method, String path, String query) {
    ApiException refusal =
        catchThrowableOfType(ApiException.class, () -> RecordingRequest.read(method, path, query));
    assertThat(refusal).as(path + "?" + query).isNotNull();
    assertThat(refusal.status().path("code").asInt()).isEqualTo(refusal.code());
    return refusal.code();
  }

  @Test
  void whatIsServedIsUnderstood() throws Exception {
    assertThat(RecordingRequest.read("GET", RecordingRequest.API, "timeout=32s"))
        .isInstanceOf(RecordingRequest.Discovery.class);
    assertThat(RecordingRequest.read("GET", ORDERS, null)).isEqualTo(new Metadata(NAME, false));
    assertThat(RecordingRequest.read("GET", ORDERS + "/files", "timeout=1m10s"))
        .isEqualTo(new Files(NAME, false, From.START, false));
    Files files =
        (Files) RecordingRequest.read("GET", ORDERS + "/files", "from=2%3A100:7&follow=true");
    assertThat(files).isEqualTo(new Files(NAME, false, new From(new Position(2, 100), 7), true));
    String[] relayed = RecordingRequest.replicaPath(files).split("\\?", -1);
    assertThat(RecordingRequest.read("GET", relayed[0], relayed[1]))
        .isEqualTo(new Files(NAME, true, files.from(), true));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/metrics",
        "/apis",
        RecordingRequest.API + "/",
        RecordingRequest.API + "/recordings",
        RecordingRequest.API + "/namespaces/support/recordings",
        RecordingRequest.API + "/namespaces/support/recordings/",
        RecordingRequest.API + "/namespaces/support/recordings/..",
        RecordingRequest.API + "/namespaces/support/recordings/../files",
        RecordingRequest.API + "/namespaces/support/recordings/..%2F..%2Fetc",
        RecordingRequest.API + "/namespaces/support/recordings/%2e%2e/files",
        RecordingRequest.API + "/namespaces/support/recordings/s-1/",
        RecordingRequest.API + "/namespaces/support/recordings/s-1/log",
        RecordingRequest.API + "/namespaces/support/recordings/s-1/files/000001.seg",
        RecordingRequest.API + "/namespaces/../recordings/s-1",
        RecordingRequest.API + "/namespaces/Support/recordings/s-1",
        RecordingRequest.API + "/namespaces/support/recordings/s-1.",
        RecordingRequest.API + "/namespaces/support/recordings/s-1\n",
        RecordingRequest.REPLICAS + "/namespaces/support/recordings/../s-1",
        RecordingRequest.REPLICAS + "/"
      })
  void anyOtherPathIsNothing(String path) {
    assertThat(refused("GET", path, null)).isEqualTo(404);
  }

  @Test
  void nothingIsChanged() {
    for (String method : new String[] {"POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"}) {
      assertThat(refused(method, ORDERS, null)).isEqualTo(405);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "from=1",
        "from=0:0:0",
        "from=-1:0:0",
        "from=1:0",
        "from=1:0:0:0",
        "from=1:-1:0",
        "from=1000000:0:0",
        "from=1:9999999999999999:0",
        "from=1:1e3:0",
        "from=a:b:c"
      })
  void aPlaceThatIsNoneIsRefused(String query) {
    assertThat(refused("GET", ORDERS + "/files", query)).isEqualTo(400);
  }
}
