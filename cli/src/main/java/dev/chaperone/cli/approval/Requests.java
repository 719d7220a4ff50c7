package dev.chaperone.cli.approval;

import dev.chaperone.cli.Patience;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/**
 * The requests that a command is about: those of one gateway, or of a cluster. What is wrong with
 * them is told as the command's error.
 */
interface Requests {

  /**
   * All of them, oldest first.
   *
   * @param problems is told of those that cannot be read
   */
  List<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> all(PrintWriter problems)
      throws IOException, InterruptedException;

  /** Whether they may be of several namespaces. */
  boolean spanNamespaces();

  /** Reads one, which exists. */
  Entry<ApprovalRequestSpec, ApprovalRequestStatus> read(String name)
      throws IOException, InterruptedException;

  /** Under which name a decision of this user counts. */
  String decider() throws IOException, InterruptedException;

  /** Adds a decision; whether it counts is said in the request's status. */
  void add(String name, ApprovalDecision decision) throws IOException, InterruptedException;

  /** How long to wait until somebody has taken note of a decision, and how often to look. */
  Patience patience();

  /** Where a request stands. */
  static ApprovalPhase phase(Entry<?, ApprovalRequestStatus> entry) {
    return entry.status() == null || entry.status().phase() == null
        ? ApprovalPhase.PENDING
        : entry.status().phase();
  }

  /** A phase as the resource names it. */
  static String label(ApprovalPhase phase) {
    String name = phase.name();
    return name.charAt(0) + name.substring(1).toLowerCase(Locale.ROOT);
  }
}
