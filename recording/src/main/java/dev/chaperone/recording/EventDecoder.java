package dev.chaperone.recording;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads the payloads of one segment, in order. They may be anything: every length is checked before
 * anything is made of it, and what is defined is bounded.
 */
final class EventDecoder {
  private static final int MAX_ATTRIBUTE = 0xffff;

  private final List<Repeated<?>> definitions = new ArrayList<>();
  private long definitionBytes;
  private ByteArrayOutputStream pendingText;
  private int pendingKind;
  private int pendingNumber;

  /** How much was defined so far, in bytes of payloads. */
  long definitionBytes() {
    return definitionBytes;
  }

  /**
   * Reads one payload.
   *
   * @return the event, or empty for a definition
   */
  Optional<Event> read(int type, Bytes payload) throws MalformedRecordingException {
    PayloadReader in = new PayloadReader(payload);
    if (pendingText != null && type != Format.TYPE_DEFINITION) {
      // The writer had no room for the rest.
      pendingText = null;
    }
    Optional<Event> event =
        type == Format.TYPE_DEFINITION
            ? define(in, payload.length())
            : Optional.of(event(type, in));
    in.requireEnd();
    return event;
  }

  private Event event(int type, PayloadReader in) throws MalformedRecordingException {
    return switch (type) {
      case Format.TYPE_SESSION_OPENED -> opened(in);
      case Format.TYPE_CLIENT_CONNECTED -> new Event.ClientConnected(in.number(), in.text());
      case Format.TYPE_CLIENT_DISCONNECTED -> new Event.ClientDisconnected(in.number(), in.text());
      case Format.TYPE_OPERATION_REQUESTED -> requested(in);
      case Format.TYPE_OPERATION_COMPLETED -> completed(in);
      case Format.TYPE_APPROVAL_OPENED ->
          new Event.ApprovalOpened(
              in.text(),
              in.number(),
              referred(in, Facts.class),
              statement(in),
              in.text(),
              in.number());
      case Format.TYPE_APPROVAL_DECIDED ->
          new Event.ApprovalDecided(in.text(), in.text(), in.flag(), in.text());
      case Format.TYPE_APPROVAL_USED -> new Event.ApprovalUsed(in.text(), in.number());
      case Format.TYPE_APPROVAL_EXPIRED -> new Event.ApprovalExpired(in.text());
      case Format.TYPE_APPROVAL_CANCELLED -> new Event.ApprovalCancelled(in.text(), in.text());
      case Format.TYPE_CONFIGURATION_CHANGED -> new Event.ConfigurationChanged(in.number());
      case Format.TYPE_TARGET_CHANGED -> new Event.TargetChanged(target(in));
      case Format.TYPE_RECORDING_GAP ->
          new Event.RecordingGap(in.number(), in.number(), in.number(), in.text());
      case Format.TYPE_SESSION_REVOKED -> new Event.SessionRevoked(in.text());
      case Format.TYPE_SESSION_ENDED -> new Event.SessionEnded(in.text());
      default -> throw new MalformedRecordingException("there is no event of this type");
    };
  }

  private static Event opened(PayloadReader in) throws MalformedRecordingException {
    String session = in.text();
    String namespace = in.text();
    String pod = in.text();
    String podUid = in.text();
    String serviceAccount = in.text();
    String user = in.text();
    int groupCount = in.number(Format.MAX_GROUPS);
    List<String> groups = new ArrayList<>();
    for (int i = 0; i < groupCount; i++) {
      groups.add(in.text());
    }
    Event.Identity identity =
        new Event.Identity(namespace, pod, podUid, serviceAccount, user, groups);
    String connection = in.text();
    Event.Target target = target(in);
    String version = in.text();
    Optional<Event.Predecessor> predecessor =
        in.flag()
            ? Optional.of(
                new Event.Predecessor(
                    in.text(), in.number(), in.bytes(Format.HASH_BYTES), in.flag()))
            : Optional.empty();
    return new Event.SessionOpened(session, identity, connection, target, version, predecessor);
  }

  private static Event.Target target(PayloadReader in) throws MalformedRecordingException {
    return new Event.Target(in.text(), in.text(), in.number(65_535), in.text());
  }

  private Event requested(PayloadReader in) throws MalformedRecordingException {
    long client = in.number();
    Event.Verdict verdict = verdict(in.octet());
    String decision = in.text();
    Repeated<Facts> facts = referred(in, Facts.class);
    Repeated<Statement> statement = statement(in);
    int count = in.number(Event.OperationRequested.MAX_PARAMETERS);
    List<Value> parameters = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      parameters.add(value(in));
    }
    return new Event.OperationRequested(
        client,
        verdict,
        decision,
        facts,
        statement,
        parameters,
        in.number(Integer.MAX_VALUE),
        in.text(),
        failure(in));
  }

  private Event completed(PayloadReader in) throws MalformedRecordingException {
    long operation = in.number();
    int count = in.number(Event.OperationCompleted.MAX_RESULTS);
    List<Event.Result> results = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      results.add(
          new Event.Result(in.text(), referred(in, Columns.class), in.number(), Rows.read(in)));
    }
    return new Event.OperationCompleted(
        operation,
        results,
        in.number(Integer.MAX_VALUE),
        in.number(),
        in.number(),
        in.number(),
        in.flag(),
        failure(in));
  }

  private static Optional<Event.Failure> failure(PayloadReader in)
      throws MalformedRecordingException {
    return in.flag() ? Optional.of(new Event.Failure(in.text(), in.text())) : Optional.empty();
  }

  private static Value value(PayloadReader in) throws MalformedRecordingException {
    int flags = in.octet();
    if (flags > 15) {
      throw new MalformedRecordingException("a value is of no known kind");
    }
    Value.Kind kind = kind(flags & 3);
    long type = (flags & 8) == 0 ? 0 : in.number();
    long length = kind == Value.Kind.CUT ? in.number() : 0;
    Bytes bytes = kind == Value.Kind.NULL ? Bytes.EMPTY : in.bytes(Value.MAX_BYTES);
    return new Value(
        kind, (flags & 4) != 0, type, bytes, kind == Value.Kind.CUT ? length : bytes.length());
  }

  private Repeated<Statement> statement(PayloadReader in) throws MalformedRecordingException {
    int number = in.number(Format.MAX_DEFINITIONS);
    if (number > 0) {
      return definition(number, Statement.class);
    }
    boolean masked = in.flag();
    Bytes text = in.bytes(Format.MAX_INLINE_TEXT_BYTES);
    return Repeated.of(new Statement(text, text.length(), Bytes.EMPTY, masked, false));
  }

  private <T> Repeated<T> referred(PayloadReader in, Class<T> kind)
      throws MalformedRecordingException {
    return definition(in.number(Format.MAX_DEFINITIONS), kind);
  }

  @SuppressWarnings("unchecked") // The value's class is checked.
  private <T> Repeated<T> definition(int number, Class<T> kind) throws MalformedRecordingException {
    if (number < 1 || number > definitions.size()) {
      throw new MalformedRecordingException("an event refers to what was not defined");
    }
    Repeated<?> repeated = definitions.get(number - 1);
    if (!kind.isInstance(repeated.value())) {
      throw new MalformedRecordingException("an event refers to something of another kind");
    }
    return (Repeated<T>) repeated;
  }

  // ---- definitions

  private Optional<Event> define(PayloadReader in, int bytes) throws MalformedRecordingException {
    definitionBytes += bytes;
    if (definitionBytes > Format.MAX_DEFINITION_BYTES
        || definitions.size() >= Format.MAX_DEFINITIONS) {
      throw new MalformedRecordingException("a segment defines more than it may");
    }
    int kind = in.octet();
    int number = in.number(Format.MAX_DEFINITIONS);
    if (number != definitions.size() + 1) {
      throw new MalformedRecordingException("a definition has another number than the next one");
    }
    switch (kind) {
      case Format.DEFINES_FACTS -> definitions.add(Repeated.of(facts(in, false)));
      case Format.DEFINES_FACTS_AND_MASKING -> definitions.add(Repeated.of(facts(in, true)));
      case Format.DEFINES_MASKS, Format.DEFINES_COLUMNS_UNDER_MASKS -> defineLong(kind, number, in);
      case Format.DEFINES_COLUMNS -> definitions.add(Repeated.of(columns(in)));
      case Format.DEFINES_STATEMENT -> defineStatement(number, in);
      default -> throw new MalformedRecordingException("there is no definition of this kind");
    }
    return Optional.empty();
  }

  /**
   * Reads a part of what is defined in several.
   *
   * @return all of them together where this is the last; else null
   */
  private byte[] part(int kind, int number, int longest, PayloadReader in)
      throws MalformedRecordingException {
    int start = in.number(longest);
    boolean last = in.flag();
    Bytes part = in.bytes(Format.TEXT_PART_BYTES);
    if (start == 0) {
      pendingText = new ByteArrayOutputStream();
      pendingKind = kind;
      pendingNumber = number;
    } else if (pendingText == null
        || pendingKind != kind
        || pendingNumber != number
        || pendingText.size() != start) {
      throw new MalformedRecordingException("a part of a text does not follow the one before");
    }
    if (start + part.length() > longest) {
      throw new MalformedRecordingException("a text is longer than it may be");
    }
    pendingText.write(part.array(), 0, part.length());
    if (!last) {
      return null;
    }
    byte[] text = pendingText.toByteArray();
    pendingText = null;
    return text;
  }

  private void defineLong(int kind, int number, PayloadReader in)
      throws MalformedRecordingException {
    byte[] content = part(kind, number, Format.MAX_LONG_DEFINITION_BYTES, in);
    if (content == null) {
      return;
    }
    PayloadReader whole = new PayloadReader(Bytes.of(content));
    definitions.add(
        kind == Format.DEFINES_MASKS ? Repeated.of(masks(whole)) : Repeated.of(shown(whole)));
    whole.requireEnd();
  }

  private static MasksInForce masks(PayloadReader in) throws MalformedRecordingException {
    int ruleCount = in.number(MasksInForce.MAX_RULES);
    List<MasksInForce.Rule> rules = new ArrayList<>();
    for (int i = 0; i < ruleCount; i++) {
      rules.add(
          new MasksInForce.Rule(
              in.text(),
              in.text(),
              in.number(),
              in.number(Integer.MAX_VALUE),
              function(in),
              in.text(),
              in.bytes(Format.HASH_BYTES)));
    }
    int omittedRules = in.number(Integer.MAX_VALUE);
    int columnCount = in.number(MasksInForce.MAX_COLUMNS);
    List<MasksInForce.ProtectedColumn> columns = new ArrayList<>();
    for (int i = 0; i < columnCount; i++) {
      columns.add(protectedColumn(in));
    }
    int omittedColumns = in.number(Integer.MAX_VALUE);
    int detectorCount = in.number(MasksInForce.MAX_DETECTORS);
    List<MasksInForce.Detector> detectors = new ArrayList<>();
    for (int i = 0; i < detectorCount; i++) {
      detectors.add(new MasksInForce.Detector(in.text(), function(in)));
    }
    return new MasksInForce(rules, omittedRules, columns, omittedColumns, detectors);
  }

  private static MasksInForce.ProtectedColumn protectedColumn(PayloadReader in)
      throws MalformedRecordingException {
    long table = in.number();
    int number = in.number(MAX_ATTRIBUTE);
    String name = in.text();
    MaskFunction function = function(in);
    int ruleCount = in.number(MasksInForce.MAX_RULES_OF_COLUMN);
    List<Integer> rules = new ArrayList<>();
    for (int i = 0; i < ruleCount; i++) {
      rules.add(in.number(Integer.MAX_VALUE));
    }
    int shownCount = in.number(MasksInForce.MAX_SHOWN_COLUMNS);
    List<String> shows = new ArrayList<>();
    for (int i = 0; i < shownCount; i++) {
      shows.add(in.text());
    }
    return new MasksInForce.ProtectedColumn(table, number, name, function, rules, shows);
  }

  private Columns shown(PayloadReader in) throws MalformedRecordingException {
    Repeated<MasksInForce> masks = referred(in, MasksInForce.class);
    int count = in.number(Columns.MAX_COLUMNS_UNDER_MASKS);
    List<Columns.Column> columns = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      columns.add(
          Columns.Column.of(
              in.text(),
              in.number(),
              new Columns.Origin(
                  in.number(), in.number(MAX_ATTRIBUTE), in.text(), function(in), in.flag())));
    }
    return new Columns(columns, in.number(Integer.MAX_VALUE), Optional.of(masks));
  }

  private static MaskFunction function(PayloadReader in) throws MalformedRecordingException {
    int code = in.octet();
    for (MaskFunction function : MaskFunction.values()) {
      if (function.code() == code) {
        return function;
      }
    }
    throw new MalformedRecordingException("there is no such mask");
  }

  private void defineStatement(int number, PayloadReader in) throws MalformedRecordingException {
    byte[] text = part(Format.DEFINES_STATEMENT, number, Statement.MAX_BYTES, in);
    if (text == null) {
      return;
    }
    boolean masked = in.flag();
    long length = in.number();
    Bytes digest = in.bytes(Format.HASH_BYTES);
    definitions.add(Repeated.of(new Statement(Bytes.of(text), length, digest, masked, true)));
  }

  private Facts facts(PayloadReader in, boolean withMasking) throws MalformedRecordingException {
    String action = in.text();
    long generation = in.number();
    Optional<Facts.Rule> rule = in.flag() ? Optional.of(rule(in)) : Optional.empty();
    String reason = in.text();
    int accessCount = in.number(Facts.MAX_ACCESSES);
    List<Facts.Access> accesses = new ArrayList<>();
    for (int i = 0; i < accessCount; i++) {
      accesses.add(new Facts.Access(in.text(), in.text(), in.text(), in.text()));
    }
    int omitted = in.number(Integer.MAX_VALUE);
    int observedCount = in.number(Facts.MAX_ACCESSES);
    List<Facts.Observation> observed = new ArrayList<>();
    for (int i = 0; i < observedCount; i++) {
      observed.add(new Facts.Observation(rule(in), in.text()));
    }
    Optional<Facts.Masking> masking = withMasking ? Optional.of(masking(in)) : Optional.empty();
    return new Facts(action, generation, rule, reason, accesses, omitted, observed, masking);
  }

  private Facts.Masking masking(PayloadReader in) throws MalformedRecordingException {
    int masks = in.number(Format.MAX_DEFINITIONS);
    int count = in.number(Facts.Masking.MAX_RETURNED);
    List<Integer> returned = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      returned.add(in.number(Integer.MAX_VALUE));
    }
    return new Facts.Masking(
        masks == 0 ? Optional.empty() : Optional.of(definition(masks, MasksInForce.class)),
        returned);
  }

  private static Facts.Rule rule(PayloadReader in) throws MalformedRecordingException {
    return new Facts.Rule(in.text(), in.text(), in.number(), in.text());
  }

  private static Columns columns(PayloadReader in) throws MalformedRecordingException {
    int count = in.number(Columns.MAX_COLUMNS);
    List<Columns.Column> columns = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      columns.add(new Columns.Column(in.text(), in.number(), in.flag()));
    }
    return new Columns(columns, in.number(Integer.MAX_VALUE));
  }

  private static Event.Verdict verdict(int code) throws MalformedRecordingException {
    for (Event.Verdict verdict : Event.Verdict.values()) {
      if (verdict.code() == code) {
        return verdict;
      }
    }
    throw new MalformedRecordingException("there is no such verdict");
  }

  private static Value.Kind kind(int code) {
    for (Value.Kind kind : Value.Kind.values()) {
      if (kind.code() == code) {
        return kind;
      }
    }
    throw new IllegalStateException("there are four kinds");
  }
}
