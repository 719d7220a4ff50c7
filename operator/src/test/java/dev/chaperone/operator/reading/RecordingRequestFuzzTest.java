package dev.chaperone.operator.reading;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.operator.reading.RecordingRequest.Discovery;
import dev.chaperone.operator.reading.RecordingRequest.Files;
import dev.chaperone.operator.reading.RecordingRequest.Metadata;
import dev.chaperone.operator.reading.RecordingRequest.Name;
import dev.chaperone.policy.testing.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A method, a path and a query of whoever reaches the port: what is understood names one recording
 * and no other place, and another replica understands the same.
 */
class RecordingRequestFuzzTest extends FuzzTest {
  private static final String ORDERS = RecordingRequest.API + "/namespaces/support/recordings/s-1";
  private static final String REPLICA =
      RecordingRequest.REPLICAS + "/namespaces/support/recordings/s-1";

  @Override
  protected List<byte[]> seeds() {
    return texts(
        "GET " + RecordingRequest.API,
        "GET " + ORDERS,
        "GET " + ORDERS + "/files?from=2%3A100:7&follow=true",
        "GET " + REPLICA + "/files?from=1:0:0&timeout=32s",
        "DELETE " + ORDERS);
  }

  @Override
  protected List<String> words() {
    return List.of(
        "/", "..", "%2e", "%2F", "?", "&", "from=", ":", "follow=true", "/files", "GET ", "-", ".");
  }

  @Override
  protected void fuzz(byte[] input) throws Exception {
    String[] words = text(input).split(" ", 2);
    String target = words.length < 2 ? "" : words[1];
    int mark = target.indexOf('?');
    String path = mark < 0 ? target : target.substring(0, mark);
    RecordingRequest request;
    try {
      request = RecordingRequest.read(words[0], path, mark < 0 ? null : target.substring(mark + 1));
    } catch (ApiException e) {
      assertThat(e.code()).isIn(400, 404, 405);
      return;
    }
    assertThat(words[0]).isEqualTo("GET");
    if (request instanceof Discovery) {
      return;
    }
    Name name = request instanceof Files files ? files.name() : ((Metadata) request).name();
    assertThat(name.namespace()).matches("[a-z0-9][-a-z0-9]*");
    assertThat(name.name()).matches("[a-z0-9][-a-z0-9.]*");
    assertThat(path).contains("/namespaces/" + name.namespace() + "/recordings/" + name.name());
    assertThat(relayed(request)).isEqualTo(ofReplica(request));
  }

  private static String text(byte[] input) {
    return new String(input, StandardCharsets.ISO_8859_1);
  }

  /** What another replica makes of it. */
  private static RecordingRequest relayed(RecordingRequest request) throws ApiException {
    String[] parts = RecordingRequest.replicaPath(request).split("\\?", 2);
    return RecordingRequest.read("GET", parts[0], parts.length == 1 ? null : parts[1]);
  }

  private static RecordingRequest ofReplica(RecordingRequest request) {
    return request instanceof Files files
        ? new Files(files.name(), true, files.from(), files.follow())
        : new Metadata(((Metadata) request).name(), true);
  }
}
