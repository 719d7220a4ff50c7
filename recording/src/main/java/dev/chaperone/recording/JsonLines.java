package dev.chaperone.recording;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/**
 * Events as JSON, one object in a line, with everything that is recorded of them. All but ASCII is
 * written as {@code \}uXXXX. Bytes that are not UTF-8, and values in binary format, are written in
 * hexadecimal under a name that ends in {@code Hex}.
 */
public final class JsonLines {
  private final StringBuilder out = new StringBuilder(512);
  private boolean first;

  /** The object for an event, without a line end. */
  public String line(RecordedEvent recorded) {
    out.setLength(0);
    begin('{');
    number("event", recorded.number());
    text("time", time(recorded.micros()));
    Event event = recorded.event();
    if (event instanceof Event.SessionOpened opened) {
      opened(opened);
    } else if (event instanceof Event.ClientConnected connected) {
      text("type", "clientConnected");
      number("client", connected.client());
      text("application", connected.application());
    } else if (event instanceof Event.ClientDisconnected disconnected) {
      text("type", "clientDisconnected");
      number("client", disconnected.client());
      text("reason", disconnected.reason());
    } else if (event instanceof Event.OperationRequested requested) {
      requested(requested);
    } else if (event instanceof Event.OperationCompleted completed) {
      completed(completed);
    } else if (event instanceof Event.ApprovalOpened opened) {
      text("type", "approvalOpened");
      text("request", opened.request());
      number("client", opened.client());
      facts(opened.facts().value());
      statement(opened.statement().value());
      text("digest", opened.digest());
      text("expiresAt", time(opened.expiresAt()));
    } else if (event instanceof Event.ApprovalDecided decided) {
      text("type", "approvalDecided");
      text("request", decided.request());
      text("by", decided.by());
      text("verdict", decided.approved() ? "Approve" : "Deny");
      text("comment", decided.comment());
    } else if (event instanceof Event.ApprovalUsed used) {
      text("type", "approvalUsed");
      text("request", used.request());
      number("client", used.client());
    } else if (event instanceof Event.ApprovalExpired expired) {
      text("type", "approvalExpired");
      text("request", expired.request());
    } else if (event instanceof Event.ApprovalCancelled cancelled) {
      text("type", "approvalCancelled");
      text("request", cancelled.request());
      text("reason", cancelled.reason());
    } else if (event instanceof Event.ConfigurationChanged changed) {
      text("type", "configurationChanged");
      number("generation", changed.generation());
    } else if (event instanceof Event.TargetChanged changed) {
      text("type", "targetChanged");
      target(changed.target());
    } else if (event instanceof Event.RecordingGap gap) {
      text("type", "recordingGap");
      text("since", time(gap.since()));
      number("operations", gap.operations());
      number("otherEvents", gap.others());
      text("cause", gap.cause());
    } else if (event instanceof Event.SessionRevoked revoked) {
      text("type", "sessionRevoked");
      text("by", revoked.by());
    } else if (event instanceof Event.SessionEnded ended) {
      text("type", "sessionEnded");
      text("reason", ended.reason());
    }
    end('}');
    return out.toString();
  }

  private void opened(Event.SessionOpened opened) {
    text("type", "sessionOpened");
    text("session", opened.session());
    Event.Identity identity = opened.identity();
    name("identity");
    begin('{');
    text("namespace", identity.namespace());
    text("pod", identity.pod());
    text("podUid", identity.podUid());
    text("serviceAccount", identity.serviceAccount());
    text("user", identity.user());
    name("groups");
    begin('[');
    identity.groups().forEach(this::element);
    end(']');
    end('}');
    text("connection", opened.connection());
    target(opened.target());
    text("version", opened.version());
    if (opened.predecessor().isPresent()) {
      Event.Predecessor predecessor = opened.predecessor().get();
      name("predecessor");
      begin('{');
      text("session", predecessor.session());
      number("events", predecessor.events());
      text("head", Head.digest(predecessor.head()));
      flag("sealed", predecessor.sealed());
      end('}');
    }
  }

  private void target(Event.Target target) {
    name("target");
    begin('{');
    text("protocol", target.protocol());
    text("host", target.host());
    number("port", target.port());
    text("database", target.database());
    end('}');
  }

  private void requested(Event.OperationRequested requested) {
    text("type", "operationRequested");
    number("client", requested.client());
    text("verdict", requested.verdict() == Event.Verdict.ALLOWED ? "allowed" : "denied");
    text("decision", requested.decision());
    facts(requested.facts().value());
    statement(requested.statement().value());
    values("parameters", requested.parameters());
    number("omittedParameters", requested.omitted());
    text("approval", requested.approval());
    requested.refusal().ifPresent(this::failure);
  }

  private void completed(Event.OperationCompleted completed) {
    text("type", "operationCompleted");
    number("operation", completed.operation());
    name("results");
    begin('[');
    for (Event.Result result : completed.results()) {
      result(result);
    }
    end(']');
    number("omittedResults", completed.omitted());
    number("bytes", completed.bytes());
    number("maskedValues", completed.maskedValues());
    number("micros", completed.micros());
    flag("suspended", completed.suspended());
    completed.failure().ifPresent(this::failure);
  }

  private void result(Event.Result result) {
    separate();
    begin('{');
    text("tag", result.tag());
    Columns columns = result.columns().value();
    name("columns");
    begin('[');
    for (Columns.Column column : columns.columns()) {
      separate();
      begin('{');
      text("name", column.name());
      number("type", column.type());
      flag("masked", column.masked());
      column.origin().ifPresent(this::origin);
      end('}');
    }
    end(']');
    number("omittedColumns", columns.omitted());
    columns.masks().ifPresent(masks -> masks(masks.value()));
    number("rows", result.rows());
    name("recorded");
    begin('[');
    for (List<Value> row : result.recorded().values()) {
      separate();
      array(row);
    }
    end(']');
    end('}');
  }

  private void origin(Columns.Origin origin) {
    text("origin", origin.name());
    number("originTable", origin.table());
    number("originColumn", origin.number());
    text("mask", origin.function().label());
    flag("searched", origin.searched());
  }

  /** The masks in force; of columns and entries as many as there are. */
  private void masks(MasksInForce masks) {
    name("masks");
    begin('{');
    name("rules");
    begin('[');
    for (MasksInForce.Rule rule : masks.rules()) {
      separate();
      begin('{');
      text("policy", rule.policy());
      text("uid", rule.uid());
      number("generation", rule.generation());
      number("index", rule.index());
      text("content", rule.content());
      text("digest", Head.digest(rule.digest()));
      end('}');
    }
    end(']');
    number("omittedRules", masks.omittedRules());
    number("protectedColumns", masks.columns().size() + (long) masks.omittedColumns());
    end('}');
  }

  private void facts(Facts facts) {
    text("action", facts.action());
    number("generation", facts.generation());
    facts.rule().ifPresent(rule -> rule("rule", rule));
    text("reason", facts.reason());
    name("accesses");
    begin('[');
    for (Facts.Access access : facts.accesses()) {
      separate();
      begin('{');
      text("effect", access.effect());
      text("command", access.command());
      text("resource", access.resource());
      text("action", access.action());
      end('}');
    }
    end(']');
    number("omittedAccesses", facts.omitted());
    if (!facts.observed().isEmpty()) {
      name("observed");
      begin('[');
      for (Facts.Observation observation : facts.observed()) {
        separate();
        begin('{');
        rule("rule", observation.rule());
        text("action", observation.action());
        end('}');
      }
      end(']');
    }
  }

  private void rule(String name, Facts.Rule rule) {
    name(name);
    begin('{');
    text("policy", rule.policy());
    text("uid", rule.uid());
    number("generation", rule.generation());
    text("name", rule.name());
    end('}');
  }

  private void statement(Statement statement) {
    bytes("statement", statement.text(), false);
    flag("literalsMasked", statement.masked());
    if (statement.isCut()) {
      number("statementBytes", statement.length());
      text("statementDigest", Head.digest(statement.digest()));
    }
  }

  private void failure(Event.Failure failure) {
    name("error");
    begin('{');
    text("sqlState", failure.sqlState());
    text("message", failure.message());
    end('}');
  }

  private void values(String name, List<Value> values) {
    name(name);
    array(values);
  }

  private void array(List<Value> values) {
    begin('[');
    for (Value value : values) {
      separate();
      begin('{');
      switch (value.kind()) {
        case NULL -> flag("null", true);
        case MASKED -> flag("masked", true);
        case CUT -> number("bytes", value.length());
        case WHOLE -> {
          // Its bytes say all.
        }
      }
      if (value.type() != 0) {
        number("type", value.type());
      }
      if (value.kind() != Value.Kind.NULL) {
        bytes("value", value.bytes(), value.binary());
      }
      end('}');
    }
    end(']');
  }

  private void bytes(String name, Bytes bytes, boolean binary) {
    var text = binary ? java.util.Optional.<String>empty() : bytes.text();
    if (text.isPresent()) {
      text(name, text.get());
    } else {
      text(name + "Hex", bytes.hex());
    }
  }

  private static String time(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS).toString();
  }

  // ---- JSON (RFC 8259)

  private void begin(char bracket) {
    out.append(bracket);
    first = true;
  }

  private void end(char bracket) {
    out.append(bracket);
    first = false;
  }

  private void separate() {
    if (!first) {
      out.append(',');
    }
    first = false;
  }

  private void name(String name) {
    separate();
    string(name);
    out.append(':');
  }

  private void element(String text) {
    separate();
    string(text);
  }

  private void text(String name, String text) {
    name(name);
    string(text);
  }

  private void number(String name, long value) {
    name(name);
    out.append(value);
  }

  private void flag(String name, boolean value) {
    name(name);
    out.append(value);
  }

  private void string(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c >= ' ' && c < 0x7f) {
        out.append(c);
      } else {
        out.append(String.format("\\u%04x", (int) c));
      }
    }
    out.append('"');
  }
}
