package dev.chaperone.cli.approval;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.Patience;
import dev.chaperone.control.approval.ApprovalDecisions;
import dev.chaperone.control.approval.ApprovalDecisions.NotDecidable;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The requests in the status directory of one gateway. */
final class DirectoryRequests implements Requests {
  /** The gateway sees a decision within a second. */
  private static final Patience PATIENCE =
      new Patience(
          Duration.ofSeconds(3),
          Duration.ofMillis(20),
          "the decision was written, and no gateway has taken note of it yet; is it running?");

  private final StatusFiles<ApprovalRequestSpec, ApprovalRequestStatus> files;
  private final String decider;

  DirectoryRequests(Path status, String decider) {
    this.files = StatusFiles.approvalRequests(status);
    this.decider = decider;
  }

  @Override
  public List<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> all(PrintWriter problems)
      throws IOException {
    List<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> entries = new ArrayList<>();
    for (String name : files.names()) {
      try {
        files.read(name).ifPresent(entries::add);
      } catch (InvalidConfigurationException e) {
        problems.println(e.problems().get(0));
      }
    }
    entries.sort(Comparator.comparing(Entry::created));
    return entries;
  }

  @Override
  public boolean spanNamespaces() {
    return false;
  }

  @Override
  public Entry<ApprovalRequestSpec, ApprovalRequestStatus> read(String name) throws IOException {
    try {
      return files
          .read(name)
          .orElseThrow(() -> CommandException.failed("there is no request " + name));
    } catch (InvalidConfigurationException e) {
      throw CommandException.failed(e.problems().get(0).toString());
    } catch (IllegalArgumentException e) {
      throw CommandException.usage(e.getMessage());
    }
  }

  @Override
  public String decider() {
    return decider;
  }

  @Override
  public void add(String name, ApprovalDecision decision) throws IOException {
    try {
      ApprovalDecisions.add(files, name, decision);
    } catch (NotDecidable e) {
      throw CommandException.failed(e.getMessage());
    } catch (InvalidConfigurationException e) {
      throw CommandException.failed(e.problems().get(0).toString());
    }
  }

  @Override
  public Patience patience() {
    return PATIENCE;
  }
}
