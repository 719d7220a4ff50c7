package dev.chaperone.recording;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Events as lines for people, one each, in UTC. Whatever comes from elsewhere is escaped, so that
 * no recorded text can do anything to a terminal or look like a line of the timeline's own.
 */
public final class Timeline {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneOffset.UTC);
  private static final int NAME = 80;

  private final int longestText;

  /**
   * @param longestText how many characters of a statement or a message are shown
   */
  public Timeline(int longestText) {
    this.longestText = longestText;
  }

  /** The line for an event. */
  public String line(RecordedEvent recorded) {
    StringBuilder out = new StringBuilder(120);
    out.append(TIME.format(Instant.EPOCH.plus(recorded.micros(), ChronoUnit.MICROS))).append("  ");
    Event event = recorded.event();
    if (event instanceof Event.SessionOpened opened) {
      opened(out, opened);
    } else if (event instanceof Event.ClientConnected connected) {
      client(out, connected.client()).append("connected");
      labelled(out, ": ", connected.application(), NAME);
    } else if (event instanceof Event.ClientDisconnected disconnected) {
      client(out, disconnected.client()).append("gone");
      labelled(out, ": ", disconnected.reason(), NAME);
    } else if (event instanceof Event.OperationRequested requested) {
      requested(out, recorded.number(), requested);
    } else if (event instanceof Event.OperationCompleted completed) {
      completed(out, completed);
    } else if (event instanceof Event.ApprovalOpened opened) {
      client(out, opened.client()).append("asks for approval ");
      SafeText.append(out, opened.request(), NAME);
      facts(out, opened.facts().value());
      statement(out, opened.statement().value());
    } else if (event instanceof Event.ApprovalDecided decided) {
      out.append("approval  ");
      SafeText.append(out, decided.request(), NAME);
      out.append(decided.approved() ? " approved by " : " denied by ");
      SafeText.append(out, decided.by(), NAME);
      labelled(out, ": ", decided.comment(), longestText);
    } else if (event instanceof Event.ApprovalUsed used) {
      client(out, used.client()).append("uses approval ");
      SafeText.append(out, used.request(), NAME);
    } else if (event instanceof Event.ApprovalExpired expired) {
      out.append("approval  ");
      SafeText.append(out, expired.request(), NAME);
      out.append(" expired");
    } else if (event instanceof Event.ApprovalCancelled cancelled) {
      out.append("approval  ");
      SafeText.append(out, cancelled.request(), NAME);
      out.append(" cancelled");
      labelled(out, ": ", cancelled.reason(), NAME);
    } else if (event instanceof Event.ConfigurationChanged changed) {
      out.append("session   configuration ").append(changed.generation()).append(" in force");
    } else if (event instanceof Event.TargetChanged changed) {
      out.append("session   leads to ");
      target(out, changed.target());
      out.append(" for clients that connect from here on");
    } else if (event instanceof Event.RecordingGap gap) {
      gap(out, gap);
    } else if (event instanceof Event.SessionRevoked revoked) {
      out.append("session   REVOKED");
      labelled(out, " by ", revoked.by(), NAME);
    } else if (event instanceof Event.SessionEnded ended) {
      out.append("session   ended");
      labelled(out, ": ", ended.reason(), NAME);
    }
    return out.toString();
  }

  private static void opened(StringBuilder out, Event.SessionOpened opened) {
    out.append("session   ");
    SafeText.append(out, opened.session(), NAME);
    out.append(" of ");
    SafeText.append(out, opened.identity().namespace(), NAME);
    out.append('/');
    SafeText.append(out, opened.identity().serviceAccount(), NAME);
    labelled(out, " for ", opened.identity().user(), NAME);
    out.append(" on ");
    target(out, opened.target());
    Optional<Event.Predecessor> before = opened.predecessor();
    if (before.isPresent()) {
      labelled(out, ", follows ", before.get().session(), NAME);
    }
  }

  private static void target(StringBuilder out, Event.Target target) {
    SafeText.append(out, target.host(), NAME);
    out.append(':').append(target.port());
    labelled(out, "/", target.database(), NAME);
  }

  private void requested(StringBuilder out, long number, Event.OperationRequested requested) {
    client(out, requested.client()).append('#').append(number);
    out.append(requested.verdict() == Event.Verdict.ALLOWED ? " allowed" : " DENIED");
    labelled(out, ", approval ", requested.approval(), NAME);
    facts(out, requested.facts().value());
    if (requested.refusal().isPresent()) {
      labelled(out, " [", requested.refusal().get().sqlState(), NAME);
      out.append(']');
    }
    statement(out, requested.statement().value());
    parameters(out, requested);
  }

  private static void facts(StringBuilder out, Facts facts) {
    if (facts.rule().isPresent()) {
      labelled(out, " by ", facts.rule().get().toString(), NAME);
    }
    for (Facts.Observation observation : facts.observed()) {
      labelled(out, " (would be ", observation.action(), NAME);
      labelled(out, " by ", observation.rule().toString(), NAME);
      out.append(')');
    }
  }

  private void statement(StringBuilder out, Statement statement) {
    if (statement.length() == 0) {
      return;
    }
    out.append(statement.masked() ? " (literals masked): " : ": ");
    SafeText.append(out, text(statement.text()), longestText);
    if (statement.isCut()) {
      out.append(" (").append(statement.length()).append(" bytes)");
    }
  }

  private void parameters(StringBuilder out, Event.OperationRequested requested) {
    if (requested.parameters().isEmpty()) {
      return;
    }
    out.append(" (");
    int end = out.length() + longestText;
    String separator = "";
    for (Value value : requested.parameters()) {
      if (out.length() >= end) {
        out.append(", ...");
        break;
      }
      out.append(separator);
      separator = ", ";
      value(out, value);
    }
    if (requested.omitted() > 0) {
      out.append(", and ").append(requested.omitted()).append(" more");
    }
    out.append(')');
  }

  private static void value(StringBuilder out, Value value) {
    switch (value.kind()) {
      case NULL -> out.append("null");
      case MASKED -> out.append("(masked)");
      default -> {
        if (value.binary()) {
          out.append("0x");
          SafeText.append(out, value.bytes().hex(), 40);
        } else {
          out.append('\'');
          SafeText.append(out, text(value.bytes()).replace("'", "''"), 40);
          out.append('\'');
        }
      }
    }
  }

  private void completed(StringBuilder out, Event.OperationCompleted completed) {
    out.append("          #").append(completed.operation());
    long rows = 0;
    for (Event.Result result : completed.results()) {
      labelled(out, " ", result.tag(), NAME);
      rows += result.rows();
    }
    if (completed.omitted() > 0) {
      out.append(" and ").append(completed.omitted()).append(" more results");
    }
    if (completed.failure().isPresent()) {
      Event.Failure failure = completed.failure().get();
      labelled(out, " FAILED ", failure.sqlState(), NAME);
      labelled(out, ": ", failure.message(), longestText);
    }
    out.append(rows == 1 ? ", 1 row" : ", " + rows + " rows");
    if (completed.maskedValues() > 0) {
      out.append(", ").append(completed.maskedValues()).append(" masked");
    }
    masks(out, completed);
    if (completed.suspended()) {
      out.append(", more to come");
    }
    out.append(String.format(java.util.Locale.ROOT, ", %.1f ms", completed.micros() / 1000.0));
  }

  /** Which columns came masked, each once. */
  private void masks(StringBuilder out, Event.OperationCompleted completed) {
    Set<String> masked = new LinkedHashSet<>();
    for (Event.Result result : completed.results()) {
      for (Columns.Column column : result.columns().value().columns()) {
        if (column.masked() && column.origin().isPresent()) {
          masked.add(
              SafeText.of(column.name(), NAME) + " " + column.origin().get().function().label());
        }
      }
    }
    if (masked.isEmpty()) {
      return;
    }
    String all = String.join(", ", masked);
    out.append(" (")
        .append(all.length() > longestText ? all.substring(0, longestText) + "..." : all);
    out.append(')');
  }

  private static void gap(StringBuilder out, Event.RecordingGap gap) {
    out.append("session   GAP since ")
        .append(TIME.format(Instant.EPOCH.plus(gap.since(), ChronoUnit.MICROS)))
        .append(": ")
        .append(gap.operations())
        .append(" operations and ")
        .append(gap.others())
        .append(" other events were not recorded");
    labelled(out, ": ", gap.cause(), NAME);
  }

  private static StringBuilder client(StringBuilder out, long client) {
    String name = "client " + client;
    return out.append(name).append(" ".repeat(Math.max(1, 10 - name.length())));
  }

  /** Appends a text behind its label, or nothing where there is no text. */
  private static void labelled(StringBuilder out, String label, String text, int longest) {
    if (!text.isEmpty()) {
      out.append(label);
      SafeText.append(out, text, longest);
    }
  }

  private static String text(Bytes bytes) {
    return new String(bytes.array(), java.nio.charset.StandardCharsets.UTF_8);
  }
}
