package dev.chaperone.recording;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes events as payloads. What repeats is written once in a segment. */
final class EventEncoder {

  /** Writes the payload at hand as a frame of that type. */
  interface Frames {
    /** Returns whether there was room for it. */
    boolean write(int type);
  }

  /** What a column of a result under masks takes at most: two names and six numbers. */
  private static final int SHOWN_COLUMN_BYTES = 2 * Format.MAX_NAME_BYTES + 64;

  private final PayloadWriter out;
  private final Frames frames;
  private final Map<Repeated<?>, Integer> numbers = new HashMap<>();
  private Object segment = new Object();
  private int definitionBytes;

  EventEncoder(PayloadWriter out, Frames frames) {
    this.out = out;
    this.frames = frames;
  }

  /** Forgets what was defined: another segment begins. */
  void beginSegment() {
    segment = new Object();
    numbers.clear();
    definitionBytes = 0;
  }

  /** How much was defined in this segment, in bytes. */
  int definitionBytes() {
    return definitionBytes;
  }

  int definitions() {
    return numbers.size();
  }

  /**
   * Writes an event, and before it what it refers to.
   *
   * @return whether there was room for it
   */
  boolean write(Event event) {
    if (event instanceof Event.OperationRequested requested) {
      return define(requested.facts()) && define(requested.statement()) && requested(requested);
    }
    if (event instanceof Event.OperationCompleted completed) {
      return defineColumns(completed) && completed(completed);
    }
    out.begin();
    if (event instanceof Event.SessionOpened opened) {
      return opened(opened);
    } else if (event instanceof Event.ClientConnected connected) {
      out.number(connected.client());
      out.name(connected.application());
      return frames.write(Format.TYPE_CLIENT_CONNECTED);
    } else if (event instanceof Event.ClientDisconnected disconnected) {
      out.number(disconnected.client());
      out.name(disconnected.reason());
      return frames.write(Format.TYPE_CLIENT_DISCONNECTED);
    } else if (event instanceof Event.ApprovalOpened opened) {
      return define(opened.facts()) && define(opened.statement()) && opened(opened);
    } else if (event instanceof Event.ApprovalDecided decided) {
      out.name(decided.request());
      out.name(decided.by());
      out.flag(decided.approved());
      out.text(decided.comment());
      return frames.write(Format.TYPE_APPROVAL_DECIDED);
    } else if (event instanceof Event.ApprovalUsed used) {
      out.name(used.request());
      out.number(used.client());
      return frames.write(Format.TYPE_APPROVAL_USED);
    } else if (event instanceof Event.ApprovalExpired expired) {
      out.name(expired.request());
      return frames.write(Format.TYPE_APPROVAL_EXPIRED);
    } else if (event instanceof Event.ApprovalCancelled cancelled) {
      out.name(cancelled.request());
      out.name(cancelled.reason());
      return frames.write(Format.TYPE_APPROVAL_CANCELLED);
    } else if (event instanceof Event.ConfigurationChanged changed) {
      out.number(changed.generation());
      return frames.write(Format.TYPE_CONFIGURATION_CHANGED);
    } else if (event instanceof Event.TargetChanged changed) {
      target(changed.target());
      return frames.write(Format.TYPE_TARGET_CHANGED);
    } else if (event instanceof Event.RecordingGap gap) {
      out.number(gap.since());
      out.number(gap.operations());
      out.number(gap.others());
      out.name(gap.cause());
      return frames.write(Format.TYPE_RECORDING_GAP);
    } else if (event instanceof Event.SessionRevoked revoked) {
      out.name(revoked.by());
      return frames.write(Format.TYPE_SESSION_REVOKED);
    } else if (event instanceof Event.SessionEnded ended) {
      out.name(ended.reason());
      return frames.write(Format.TYPE_SESSION_ENDED);
    }
    throw new IllegalArgumentException("unknown event");
  }

  private boolean opened(Event.SessionOpened opened) {
    out.name(opened.session());
    Event.Identity identity = opened.identity();
    out.name(identity.namespace());
    out.name(identity.pod());
    out.name(identity.podUid());
    out.name(identity.serviceAccount());
    out.text(identity.user());
    List<String> groups = identity.groups();
    int count = Math.min(groups.size(), Format.MAX_GROUPS);
    out.number(count);
    groups.subList(0, count).forEach(out::name);
    out.name(opened.connection());
    target(opened.target());
    out.name(opened.version());
    Optional<Event.Predecessor> predecessor = opened.predecessor();
    out.flag(predecessor.isPresent());
    if (predecessor.isPresent()) {
      out.name(predecessor.get().session());
      out.number(predecessor.get().events());
      out.bytes(predecessor.get().head());
      out.flag(predecessor.get().sealed());
    }
    return frames.write(Format.TYPE_SESSION_OPENED);
  }

  private void target(Event.Target target) {
    out.name(target.protocol());
    out.name(target.host());
    out.number(target.port());
    out.name(target.database());
  }

  private boolean requested(Event.OperationRequested requested) {
    out.begin();
    out.number(requested.client());
    out.octet(requested.verdict().code());
    out.name(requested.decision());
    out.number(numberOf(requested.facts()));
    statement(requested.statement());
    List<Value> parameters = requested.parameters();
    out.number(parameters.size());
    for (int i = 0; i < parameters.size(); i++) {
      value(parameters.get(i));
    }
    out.number(requested.omitted());
    out.name(requested.approval());
    failure(requested.refusal());
    return frames.write(Format.TYPE_OPERATION_REQUESTED);
  }

  private boolean completed(Event.OperationCompleted completed) {
    out.begin();
    out.number(completed.operation());
    List<Event.Result> results = completed.results();
    out.number(results.size());
    for (int i = 0; i < results.size(); i++) {
      Event.Result result = results.get(i);
      out.name(result.tag());
      out.number(numberOf(result.columns()));
      out.number(result.rows());
      result.recorded().write(out);
    }
    out.number(completed.omitted());
    out.number(completed.bytes());
    out.number(completed.maskedValues());
    out.number(completed.micros());
    out.flag(completed.suspended());
    failure(completed.failure());
    return frames.write(Format.TYPE_OPERATION_COMPLETED);
  }

  private boolean opened(Event.ApprovalOpened opened) {
    out.begin();
    out.name(opened.request());
    out.number(opened.client());
    out.number(numberOf(opened.facts()));
    statement(opened.statement());
    out.name(opened.digest());
    out.number(opened.expiresAt());
    return frames.write(Format.TYPE_APPROVAL_OPENED);
  }

  private void failure(Optional<Event.Failure> failure) {
    out.flag(failure.isPresent());
    if (failure.isPresent()) {
      out.name(failure.get().sqlState());
      out.text(failure.get().message());
    }
  }

  /** A reference, or 0 and the text itself. */
  private void statement(Repeated<Statement> repeated) {
    Statement statement = repeated.value();
    if (isDefined(statement)) {
      out.number(numberOf(repeated));
    } else {
      out.number(0);
      out.flag(statement.masked());
      out.bytes(statement.text());
    }
  }

  private static boolean isDefined(Statement statement) {
    return statement.reused() || statement.text().length() > Format.MAX_INLINE_TEXT_BYTES;
  }

  private void value(Value value) {
    boolean binary = value.binary();
    boolean typed = value.type() != 0;
    out.octet(value.kind().code() | (binary ? 4 : 0) | (typed ? 8 : 0));
    if (typed) {
      out.number(value.type());
    }
    if (value.kind() == Value.Kind.CUT) {
      out.number(value.length());
    }
    if (value.kind() != Value.Kind.NULL) {
      out.bytes(value.bytes());
    }
  }

  // ---- definitions

  private int numberOf(Repeated<?> repeated) {
    int known = repeated.numberIn(segment);
    return known > 0 ? known : numbers.get(repeated);
  }

  private boolean defineColumns(Event.OperationCompleted completed) {
    for (int i = 0; i < completed.results().size(); i++) {
      if (!define(completed.results().get(i).columns())) {
        return false;
      }
    }
    return true;
  }

  private boolean define(Repeated<?> repeated) {
    if (repeated.numberIn(segment) > 0) {
      return true;
    }
    if (repeated.value() instanceof Statement statement && !isDefined(statement)) {
      return true;
    }
    Integer known = numbers.get(repeated);
    if (known != null) {
      repeated.hasNumber(segment, known);
      return true;
    }
    Object value = repeated.value();
    if (!defineMasks(value)) {
      return false;
    }
    int number = numbers.size() + 1;
    if (value instanceof Facts facts) {
      facts(number, facts);
    } else if (value instanceof Columns columns && columns.masks().isEmpty()) {
      columns(number, columns);
    } else if (value instanceof Columns columns) {
      return defineLong(Format.DEFINES_COLUMNS_UNDER_MASKS, number, repeated, shown(columns));
    } else if (value instanceof MasksInForce masks) {
      return defineLong(Format.DEFINES_MASKS, number, repeated, masks(masks));
    } else if (value instanceof Statement statement) {
      return defineStatement(number, repeated, statement);
    }
    return defined(number, repeated);
  }

  /** Defines the masks that something refers to. */
  private boolean defineMasks(Object value) {
    Optional<Repeated<MasksInForce>> masks =
        value instanceof Facts facts
            ? facts.masking().flatMap(Facts.Masking::masks)
            : value instanceof Columns columns ? columns.masks() : Optional.empty();
    return masks.isEmpty() || define(masks.get());
  }

  private boolean defined(int number, Repeated<?> repeated) {
    int bytes = out.payloadBytes();
    if (!frames.write(Format.TYPE_DEFINITION)) {
      return false;
    }
    definitionBytes += bytes;
    numbers.put(repeated, number);
    repeated.hasNumber(segment, number);
    return true;
  }

  /** Defines in parts what may be longer than a frame. */
  private boolean defineLong(int kind, int number, Repeated<?> repeated, PayloadWriter content) {
    int length = content.payloadBytes();
    int start = 0;
    while (true) {
      int part = Math.min(length - start, Format.TEXT_PART_BYTES);
      boolean last = start + part == length;
      out.begin();
      out.octet(kind);
      out.number(number);
      out.number(start);
      out.flag(last);
      out.number(part);
      out.raw(content.array(), Format.FRAME_HEAD_BYTES + start, part);
      if (last) {
        return defined(number, repeated);
      }
      int bytes = out.payloadBytes();
      if (!frames.write(Format.TYPE_DEFINITION)) {
        return false;
      }
      definitionBytes += bytes;
      start += part;
    }
  }

  private static PayloadWriter masks(MasksInForce masks) {
    PayloadWriter content = new PayloadWriter(Format.MAX_LONG_DEFINITION_BYTES);
    content.begin();
    content.number(masks.rules().size());
    for (MasksInForce.Rule rule : masks.rules()) {
      content.name(rule.policy());
      content.name(rule.uid());
      content.number(rule.generation());
      content.number(rule.index());
      content.octet(rule.with().code());
      content.text(rule.content());
      content.bytes(rule.digest());
    }
    content.number(masks.omittedRules());
    content.number(masks.columns().size());
    for (MasksInForce.ProtectedColumn column : masks.columns()) {
      content.number(column.table());
      content.number(column.number());
      content.name(column.name());
      content.octet(column.function().code());
      content.number(column.rules().size());
      column.rules().forEach(content::number);
      content.number(column.shows().size());
      column.shows().forEach(content::name);
    }
    content.number(masks.omittedColumns());
    content.number(masks.detectors().size());
    for (MasksInForce.Detector detector : masks.detectors()) {
      content.name(detector.name());
      content.octet(detector.with().code());
    }
    return content;
  }

  private PayloadWriter shown(Columns columns) {
    PayloadWriter content = new PayloadWriter(SHOWN_COLUMN_BYTES * (1 + columns.columns().size()));
    content.begin();
    content.number(numberOf(columns.masks().orElseThrow()));
    content.number(columns.columns().size());
    for (Columns.Column column : columns.columns()) {
      Columns.Origin origin = column.origin().orElseThrow();
      content.name(column.name());
      content.number(column.type());
      content.number(origin.table());
      content.number(origin.number());
      content.name(origin.name());
      content.octet(origin.function().code());
      content.flag(origin.searched());
    }
    content.number(columns.omitted());
    return content;
  }

  private boolean defineStatement(int number, Repeated<?> repeated, Statement statement) {
    byte[] text = statement.text().array();
    int start = 0;
    while (true) {
      int length = Math.min(text.length - start, Format.TEXT_PART_BYTES);
      boolean last = start + length == text.length;
      out.begin();
      out.octet(Format.DEFINES_STATEMENT);
      out.number(number);
      out.number(start);
      out.flag(last);
      out.number(length);
      out.raw(text, start, length);
      if (last) {
        out.flag(statement.masked());
        out.number(statement.length());
        out.bytes(statement.digest());
        return defined(number, repeated);
      }
      int bytes = out.payloadBytes();
      if (!frames.write(Format.TYPE_DEFINITION)) {
        return false;
      }
      definitionBytes += bytes;
      start += length;
    }
  }

  private void facts(int number, Facts facts) {
    out.begin();
    out.octet(
        facts.masking().isPresent() ? Format.DEFINES_FACTS_AND_MASKING : Format.DEFINES_FACTS);
    out.number(number);
    out.name(facts.action());
    out.number(facts.generation());
    out.flag(facts.rule().isPresent());
    facts.rule().ifPresent(this::rule);
    out.text(facts.reason());
    out.number(facts.accesses().size());
    for (Facts.Access access : facts.accesses()) {
      out.name(access.effect());
      out.name(access.command());
      out.name(access.resource());
      out.name(access.action());
    }
    out.number(facts.omitted());
    out.number(facts.observed().size());
    for (Facts.Observation observation : facts.observed()) {
      rule(observation.rule());
      out.name(observation.action());
    }
    facts.masking().ifPresent(this::masking);
  }

  private void masking(Facts.Masking masking) {
    out.number(masking.masks().map(this::numberOf).orElse(0));
    out.number(masking.returned().size());
    masking.returned().forEach(out::number);
  }

  private void rule(Facts.Rule rule) {
    out.name(rule.policy());
    out.name(rule.uid());
    out.number(rule.generation());
    out.name(rule.name());
  }

  private void columns(int number, Columns columns) {
    out.begin();
    out.octet(Format.DEFINES_COLUMNS);
    out.number(number);
    out.number(columns.columns().size());
    for (Columns.Column column : columns.columns()) {
      out.name(column.name());
      out.number(column.type());
      out.flag(column.masked());
    }
    out.number(columns.omitted());
  }
}
