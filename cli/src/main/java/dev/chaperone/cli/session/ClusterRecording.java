package dev.chaperone.cli.session;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.kubectl.Kubectl;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.recording.SessionFiles;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A recording in the operator's store, brought here through the API server by the user's own
 * kubectl: whether this user may is the cluster's to say.
 */
final class ClusterRecording implements OpenedRecording {
  private static final String API = "/apis/recordings.chaperone.dev/v1alpha1/namespaces/";

  /** More than a store holds of a pod by default. */
  private static final long MOST_BYTES = 16L << 30;

  /** How often it is tried again where nothing comes. */
  private static final int MOST_FAILURES = 5;

  private static final long PAUSE_MILLIS = 500;

  private final Kubectl kubectl;
  private final ClusterSessions sessions;
  private final Entry<AgentSessionSpec, AgentSessionStatus> session;
  private final PrivateDirectory temporary;
  private final Path directory;
  private final RecordingDownload download;

  private ClusterRecording(
      Kubectl kubectl,
      ClusterSessions sessions,
      Entry<AgentSessionSpec, AgentSessionStatus> session,
      PrivateDirectory temporary)
      throws IOException {
    this.kubectl = kubectl;
    this.sessions = sessions;
    this.session = session;
    this.temporary = temporary;
    this.directory = Files.createDirectory(temporary.path().resolve(session.name()));
    this.download = new RecordingDownload(directory, MOST_BYTES);
  }

  /** Brings all that is there of a session's recording. */
  static ClusterRecording download(Kubectl kubectl, String name)
      throws IOException, InterruptedException {
    if (!SessionFiles.isSessionName(name)) {
      throw CommandException.usage("that is no name of a session; 'sessions' lists them");
    }
    ClusterSessions sessions = new ClusterSessions(kubectl, false);
    // Its head is read first: what comes afterwards has to hold it.
    Entry<AgentSessionSpec, AgentSessionStatus> session = read(sessions, name);
    PrivateDirectory temporary = new PrivateDirectory();
    boolean done = false;
    try {
      ClusterRecording recording = new ClusterRecording(kubectl, sessions, session, temporary);
      recording.fetch(false);
      done = true;
      return recording;
    } finally {
      if (!done) {
        temporary.close();
      }
    }
  }

  private static Entry<AgentSessionSpec, AgentSessionStatus> read(
      ClusterSessions sessions, String name) throws IOException, InterruptedException {
    try {
      return sessions.read(name);
    } catch (CommandException e) {
      // As kubectl says it; what the API server is asked for then is the session itself.
      if (e.getMessage().contains("(NotFound)") && e.getMessage().contains("agentsessions")) {
        throw CommandException.failed(
            e.getMessage()
                + "; a session is deleted some time after its end (operator.sessionRetention), its"
                + " recording may still be on the store's volume: see docs/operations.md, \"A session"
                + " that is gone\"");
      }
      throw e;
    }
  }

  @Override
  public Path directory() {
    return directory;
  }

  /** The session as it was before the download. */
  Entry<AgentSessionSpec, AgentSessionStatus> session() {
    return session;
  }

  /** What the store says of the recording. */
  JsonNode metadata() throws IOException, InterruptedException {
    return new ObjectMapper().readTree(kubectl.run("get", "--raw", path()));
  }

  private String path() {
    return API + session.namespace() + "/recordings/" + session.name();
  }

  @Override
  public boolean awaitMore() throws IOException, InterruptedException {
    long before = download.bytes();
    boolean over = Sessions.phase(sessions.read(session.name())) != SessionPhase.ACTIVE;
    fetch(true);
    return !over || download.bytes() > before;
  }

  /** The API server ends long requests: what is left is asked for until nothing is. */
  private void fetch(boolean follow) throws IOException, InterruptedException {
    int failures = 0;
    boolean whole = false;
    while (!whole) {
      long before = download.bytes();
      String path = path() + "/files?from=" + download.from() + (follow ? "&follow=true" : "");
      try {
        whole =
            kubectl.stream(in -> download.take(new BufferedInputStream(in)), "get", "--raw", path);
      } catch (EOFException e) {
        failures = download.bytes() > before ? 0 : failures + 1;
        if (failures == MOST_FAILURES) {
          throw CommandException.failed("the download is cut off again and again; try later");
        }
        Thread.sleep(PAUSE_MILLIS);
      } catch (IOException e) {
        throw CommandException.failed(e.getMessage());
      }
    }
  }

  @Override
  public void close() throws IOException {
    temporary.close();
  }
}
