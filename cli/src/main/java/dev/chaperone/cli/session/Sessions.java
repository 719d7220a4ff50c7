package dev.chaperone.cli.session;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.Patience;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;

/**
 * The sessions that a command is about: those of one gateway, or of a cluster. What is wrong with
 * them is told as the command's error.
 */
interface Sessions {

  /**
   * All of them.
   *
   * @param problems is told of those that cannot be read
   */
  List<Entry<AgentSessionSpec, AgentSessionStatus>> all(PrintWriter problems)
      throws IOException, InterruptedException;

  /** Whether they may be of several namespaces. */
  boolean spanNamespaces();

  /** Reads one, which exists. */
  Entry<AgentSessionSpec, AgentSessionStatus> read(String name)
      throws IOException, InterruptedException;

  /** Says that a session, which goes on, is to end for good. */
  void revoke(String name) throws IOException, InterruptedException;

  /** How long to wait until somebody has taken note of it, and how often to look. */
  Patience patience();

  /** Where a session stands. */
  static SessionPhase phase(Entry<?, AgentSessionStatus> entry) {
    return entry.status() == null || entry.status().phase() == null
        ? SessionPhase.ACTIVE
        : entry.status().phase();
  }

  /** A phase as the resource names it. */
  static String label(SessionPhase phase) {
    return switch (phase) {
      case ACTIVE -> "Active";
      case ENDED -> "Ended";
      case REVOKED -> "Revoked";
    };
  }

  /** Refuses what is over already. */
  static void requireActive(Entry<?, AgentSessionStatus> entry) {
    SessionPhase phase = phase(entry);
    if (phase != SessionPhase.ACTIVE) {
      throw CommandException.failed(entry.name() + " is over: " + label(phase));
    }
  }
}
