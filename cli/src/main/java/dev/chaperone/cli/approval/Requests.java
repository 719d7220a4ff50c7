package dev.chaperone.cli.approval;

import dev.chaperone.cli.CommandException;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Locale;

/** Reads requests for a command; what is wrong with them is told as the command's error. */
final class Requests {
  private final StatusFiles<ApprovalRequestSpec, ApprovalRequestStatus> files;

  Requests(Path status) {
    this.files = StatusFiles.approvalRequests(status);
  }

  StatusFiles<ApprovalRequestSpec, ApprovalRequestStatus> files() {
    return files;
  }

  Entry<ApprovalRequestSpec, ApprovalRequestStatus> read(String name) throws IOException {
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

  static ApprovalPhase phase(Entry<?, ApprovalRequestStatus> entry) {
    return entry.status() == null || entry.status().phase() == null
        ? ApprovalPhase.PENDING
        : entry.status().phase();
  }

  static String label(ApprovalPhase phase) {
    String name = phase.name();
    return name.charAt(0) + name.substring(1).toLowerCase(Locale.ROOT);
  }

  /** How long ago or ahead a time is, as kubectl says it. */
  static String distance(String time) {
    try {
      Duration duration = Duration.between(Instant.parse(time), Instant.now()).abs();
      if (duration.toMinutes() < 2) {
        return duration.toSeconds() + "s";
      }
      if (duration.toHours() < 2) {
        return duration.toMinutes() + "m";
      }
      return duration.toDays() < 2 ? duration.toHours() + "h" : duration.toDays() + "d";
    } catch (DateTimeParseException e) {
      return "?";
    }
  }
}
