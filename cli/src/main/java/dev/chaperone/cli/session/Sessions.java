package dev.chaperone.cli.session;

import dev.chaperone.cli.CommandException;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.recording.SessionFiles;
import java.io.IOException;
import java.nio.file.Path;

/** Reads sessions for a command; what is wrong with them is told as the command's error. */
final class Sessions {
  private final Path status;
  private final StatusFiles<AgentSessionSpec, AgentSessionStatus> files;

  Sessions(Path status) {
    this.status = status;
    this.files = StatusFiles.agentSessions(status);
  }

  StatusFiles<AgentSessionSpec, AgentSessionStatus> files() {
    return files;
  }

  Entry<AgentSessionSpec, AgentSessionStatus> read(String name) throws IOException {
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

  static SessionPhase phase(Entry<?, AgentSessionStatus> entry) {
    return entry.status() == null || entry.status().phase() == null
        ? SessionPhase.ACTIVE
        : entry.status().phase();
  }

  static String label(SessionPhase phase) {
    return switch (phase) {
      case ACTIVE -> "Active";
      case ENDED -> "Ended";
      case REVOKED -> "Revoked";
    };
  }
}
