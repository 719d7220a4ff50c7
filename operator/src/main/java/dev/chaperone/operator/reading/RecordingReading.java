package dev.chaperone.operator.reading;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.chaperone.operator.access.AccessReviews;
import dev.chaperone.operator.admission.AdmissionRequest.User;
import dev.chaperone.operator.reading.RecordingLocations.Location;
import dev.chaperone.operator.reading.RecordingRequest.Discovery;
import dev.chaperone.operator.reading.RecordingRequest.Files;
import dev.chaperone.operator.reading.RecordingRequest.Metadata;
import dev.chaperone.operator.reading.RecordingRequest.Name;
import dev.chaperone.operator.store.RecordingStore;
import dev.chaperone.operator.store.StoreKeys;
import dev.chaperone.operator.store.StoredRecording;
import dev.chaperone.recording.CountersignedHead;
import dev.chaperone.recording.Head;
import dev.chaperone.recording.PublicKeyFile;
import dev.chaperone.recording.SessionFiles;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;

/** Who may read recordings, where they are, and what is there of them. */
final class RecordingReading {
  private static final System.Logger LOGGER = System.getLogger(RecordingReading.class.getName());

  /** Segments that are listed one by one. */
  private static final int MOST_LISTED = 1_000;

  private final AccessReviews reviews;
  private final RecordingLocations locations;
  private final RecordingStore store;
  private final Replicas replicas;
  private final ReadingSettings settings;

  RecordingReading(
      AccessReviews reviews,
      RecordingLocations locations,
      RecordingStore store,
      Replicas replicas,
      ReadingSettings settings) {
    this.reviews = reviews;
    this.locations = locations;
    this.store = store;
    this.replicas = replicas;
    this.settings = settings;
  }

  boolean isReplica(List<X509Certificate> chain) {
    return replicas.isReplica(chain);
  }

  /**
   * Asks the cluster whether a user may. Before anything else is looked for: who may not is not
   * told what there is.
   *
   * @throws ApiException where they may not, or that cannot be told
   */
  void authorize(User user, RecordingRequest asked) throws ApiException {
    if (asked instanceof Discovery) {
      return;
    }
    Name name = name(asked);
    boolean allowed;
    try {
      allowed =
          reviews.allowed(
              new AccessReviews.Question(
                  user,
                  "get",
                  "chaperone.dev",
                  "agentsessions",
                  "recording",
                  name.namespace(),
                  name.name()));
    } catch (IOException e) {
      throw ApiException.unavailable("the API server did not say whether you may; try again");
    }
    if (!allowed) {
      throw ApiException.forbidden(user.name(), name);
    }
  }

  private static Name name(RecordingRequest asked) {
    return asked instanceof Files files ? files.name() : ((Metadata) asked).name();
  }

  /**
   * Answers somebody who may.
   *
   * @param ofReplica whether it is another replica, which looks for it here and nowhere else
   * @param port where all replicas listen
   */
  void answer(ReadingExchange exchange, boolean ofReplica, int port)
      throws ApiException, IOException, InterruptedException {
    RecordingRequest asked = exchange.asked();
    if (asked instanceof Discovery) {
      exchange.answer(discovery());
      return;
    }
    Name name = name(asked);
    Location location = locations.find(name);
    boolean isHere = location.replica().equals(settings.replica());
    if (!isHere && ofReplica) {
      throw RecordingLocations.away(location.replica());
    }
    if (!isHere && relay(exchange, location, port)) {
      return;
    }
    Optional<StoredRecording> onVolume =
        isHere ? store.recording(location.podUid(), name.name()) : Optional.empty();
    StoredRecording recording =
        onVolume.isPresent() ? onVolume.get() : fromObjects(name, location, isHere);
    if (asked instanceof Files files) {
      send(exchange, files, recording);
    } else {
      exchange.answer(metadata(name, location, recording));
    }
  }

  /** Of a volume that does not have it any more, or that is away. */
  private StoredRecording fromObjects(Name name, Location location, boolean isHere)
      throws ApiException {
    Optional<StoredRecording> found = Optional.empty();
    try {
      if (store.objects().isPresent()) {
        found = store.objects().get().recording(name.namespace(), location.podUid(), name.name());
      }
    } catch (IOException e) {
      LOGGER.log(System.Logger.Level.WARNING, "a recording was not found: {0}", e.getMessage());
      throw ApiException.unavailable("object storage does not say whether it has the recording");
    }
    if (found.isEmpty()) {
      throw isHere
          ? ApiException.notFound(
              "replica "
                  + location.replica()
                  + " has nothing of the recording any more: its retention is over, or"
                  + " its volume was lost (see condition RecordingStored)")
          : RecordingLocations.away(location.replica());
    }
    return found.get();
  }

  /** Whether the other replica answered; where it does not, object storage may. */
  private boolean relay(ReadingExchange exchange, Location location, int port)
      throws ApiException, IOException, InterruptedException {
    try {
      String address = locations.address(location.replica());
      int code =
          replicas.relay(
              address,
              port,
              RecordingRequest.replicaPath(exchange.asked()),
              exchange.context(),
              exchange.response());
      exchange.said(code, 0);
      return true;
    } catch (ApiException e) {
      if (store.objects().isEmpty()) {
        throw e;
      }
      return false;
    } catch (IOException e) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "replica {0} did not answer: {1}",
          location.replica(),
          e.getMessage());
      if (exchange.response().headWritten()) {
        exchange.handOver();
        throw e;
      }
      if (store.objects().isEmpty()) {
        throw RecordingLocations.away(location.replica());
      }
      return false;
    }
  }

  private void send(ReadingExchange exchange, Files files, StoredRecording recording)
      throws ApiException, IOException, InterruptedException {
    RecordingStream stream = new RecordingStream(recording, files.from(), exchange);
    stream.check();
    if (files.follow()) {
      stream.awaitMore(settings.limits().longPoll());
    }
    exchange.begin();
    exchange.end(stream.send(settings.limits().download()));
  }

  private static ObjectNode discovery() {
    ObjectNode list = JsonNodeFactory.instance.objectNode();
    list.put("kind", "APIResourceList")
        .put("apiVersion", "v1")
        .put("groupVersion", ReadingSettings.GROUP + "/" + ReadingSettings.VERSION);
    ArrayNode resources = list.putArray("resources");
    for (String name : List.of("recordings", "recordings/files")) {
      ObjectNode resource = resources.addObject();
      resource
          .put("name", name)
          .put("singularName", name.equals("recordings") ? "recording" : "")
          .put("namespaced", true)
          .put("kind", "Recording");
      resource.putArray("verbs").add("get");
    }
    return list;
  }

  private ObjectNode metadata(Name name, Location location, StoredRecording recording)
      throws ApiException, IOException {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    object
        .put("kind", "Recording")
        .put("apiVersion", ReadingSettings.GROUP + "/" + ReadingSettings.VERSION);
    object.putObject("metadata").put("namespace", name.namespace()).put("name", name.name());
    ObjectNode status = object.putObject("status");
    status
        .put("podUid", location.podUid())
        .put("replica", settings.replica())
        .put("head", location.state().head())
        .put("events", location.state().events());
    PublicKeyFile key = recording.key();
    status.putObject("recordingKey").put("id", Head.digest(key.id())).put("pem", key.pem());
    status.put(
        "storeKeys",
        locations
            .configMap(StoreKeys.CONFIG_MAP)
            .map(map -> map.getData() == null ? "" : map.getData().get(StoreKeys.PUBLIC_KEYS))
            .orElse(""));
    status.put("countersignedBytes", recording.bytes(CountersignedHead.FILE_NAME));
    ArrayNode files = status.putArray("segments");
    int segment = 1;
    long bytes = 0;
    for (long size = recording.segmentBytes(segment);
        size > 0;
        size = recording.segmentBytes(segment)) {
      if (segment <= MOST_LISTED) {
        files.addObject().put("name", SessionFiles.segmentName(segment)).put("bytes", size);
      }
      bytes += size;
      segment++;
    }
    status.put("segmentCount", segment - 1).put("bytes", bytes);
    return object;
  }
}
