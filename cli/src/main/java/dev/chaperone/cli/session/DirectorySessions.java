package dev.chaperone.cli.session;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.Patience;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.recording.SessionFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The sessions in the status directory of one gateway, and their recordings. */
final class DirectorySessions implements Sessions {
  /** The gateway ends a session within a second, and says so a moment later. */
  private static final Patience PATIENCE =
      new Patience(
          Duration.ofSeconds(4),
          Duration.ofMillis(20),
          "it was written that the session is revoked, and no gateway has taken note of it yet; is"
              + " it running?");

  private final Path status;
  private final StatusFiles<AgentSessionSpec, AgentSessionStatus> files;

  DirectorySessions(Path status) {
    this.status = status;
    this.files = StatusFiles.agentSessions(status);
  }

  @Override
  public List<Entry<AgentSessionSpec, AgentSessionStatus>> all(PrintWriter problems)
      throws IOException {
    List<Entry<AgentSessionSpec, AgentSessionStatus>> entries = new ArrayList<>();
    for (String name : files.names()) {
      try {
        files.read(name).ifPresent(entries::add);
      } catch (InvalidConfigurationException e) {
        problems.println(e.problems().get(0));
      }
    }
    return entries;
  }

  @Override
  public boolean spanNamespaces() {
    return false;
  }

  @Override
  public Entry<AgentSessionSpec, AgentSessionStatus> read(String name) throws IOException {
    requireName(name);
    try {
      return files.read(name).orElseThrow(() -> missing(name));
    } catch (InvalidConfigurationException e) {
      throw CommandException.failed(e.problems().get(0).toString());
    }
  }

  /** Holds a directory for each session. */
  Path recordings() {
    return status.resolve("recordings");
  }

  /** The directory with the recording of a session. */
  Path recording(String name) throws IOException {
    requireName(name);
    Path recording = recordings().resolve(name);
    if (!SessionFiles.isSession(recording)) {
      throw missing(name);
    }
    return recording;
  }

  private static void requireName(String name) {
    if (!SessionFiles.isSessionName(name)) {
      throw CommandException.usage("that is no name of a session; 'sessions' lists them");
    }
  }

  private static CommandException missing(String name) {
    return CommandException.failed("there is no session " + name + "; 'sessions' lists them");
  }

  @Override
  public void revoke(String name) throws IOException {
    requireName(name);
    try {
      files.locked(
          () -> {
            Entry<AgentSessionSpec, AgentSessionStatus> entry = read(name);
            Sessions.requireActive(entry);
            return files.write(entry.withSpec(revoked(entry.spec())));
          });
    } catch (InvalidConfigurationException e) {
      throw CommandException.failed(e.problems().get(0).toString());
    }
  }

  private static AgentSessionSpec revoked(AgentSessionSpec spec) {
    return new AgentSessionSpec(
        spec.pod(), spec.podUid(), spec.connection(), spec.identity(), spec.startedAt(), true);
  }

  @Override
  public Patience patience() {
    return PATIENCE;
  }
}
