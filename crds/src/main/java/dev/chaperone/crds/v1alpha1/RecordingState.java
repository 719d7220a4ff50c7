package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;

/** Where a recording is and how far it goes. */
public record RecordingState(
    @JsonPropertyDescription(
            "Where the recording is: REPLICA:POD-UID/SESSION in the operator's store, or a directory of the gateway where there is none.")
        @Size(max = 1024)
        String location,
    @JsonPropertyDescription("The hash of its last event, for verify --head.")
        @Size(max = 71)
        @Pattern("^sha256:[0-9a-f]{64}$")
        String head,
    @JsonPropertyDescription("How many events it has.") @Min(0) Long events,
    @JsonPropertyDescription("Where object storage has it, as far as it was uploaded.")
        @Size(max = 2048)
        String objects) {

  /** Of a recording that nobody brings to object storage. */
  public RecordingState(String location, String head, Long events) {
    this(location, head, events, null);
  }
}
