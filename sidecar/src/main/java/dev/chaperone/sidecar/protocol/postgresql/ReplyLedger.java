package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.SessionEffect;
import dev.chaperone.recording.Columns;
import dev.chaperone.recording.Repeated;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What the target still owes an answer for, in order: one entry for each message sent to it that is
 * answered. It is what keeps the gateway in step with a pipeline: which operation a row belongs to,
 * whose error is replaced, what an error skips.
 *
 * <p>Entries are reused; no entry may be kept after it was removed. Used by one event loop.
 */
final class ReplyLedger {

  /** What was sent. */
  enum Kind {
    PARSE,
    BIND,
    DESCRIBE_STATEMENT,
    DESCRIBE_PORTAL,
    EXECUTE,
    CLOSE,
    SYNC,
    QUERY
  }

  /** One message the target owes an answer for. */
  static final class Entry {
    private Kind kind;
    private ErrorReply replacement;
    private OwnQuery ownQuery;
    private RunningOperation operation;
    private StatementNames.Change change;
    private RecordedOperation recorded = RecordedOperation.NONE;
    private Consumer<Repeated<Columns>> columns;
    private List<SessionEffect> effects = List.of();
    private boolean copiesIn;
    private ResultGuard described;
    private StatementDescription statement;
    private boolean hidden;
    private boolean touchesMasked;
    private long group;

    Kind kind() {
      return kind;
    }

    /** The group (up to a Sync, or one simple query) the message belongs to. */
    long group() {
      return group;
    }

    /** What the client is told instead of the target's error, for a message that must fail. */
    ErrorReply replacement() {
      return replacement;
    }

    /** Set where the gateway asked for itself: nothing of the answer reaches the client. */
    OwnQuery ownQuery() {
      return ownQuery;
    }

    /** The operation whose rows these are; null where the message has none. */
    RunningOperation operation() {
      return operation;
    }

    /** What the message changes among names when it succeeds; null for nothing. */
    StatementNames.Change change() {
      return change;
    }

    /** What the message changes in the client's session when it succeeds. */
    List<SessionEffect> effects() {
      return effects;
    }

    /** The operation whose columns the answer describes; null for none. */
    ResultGuard described() {
      return described;
    }

    /** The statement whose columns the answer describes; null for none. */
    StatementDescription statement() {
      return statement;
    }

    /** Whether the gateway asked for itself in the midst of the client's messages. */
    boolean isHidden() {
      return hidden;
    }

    /** Whether the message is about relations that have masked columns. */
    boolean touchesMasked() {
      return touchesMasked;
    }

    Entry describing(ResultGuard guard) {
      described = guard;
      touchesMasked = guard.touches();
      return this;
    }

    Entry describing(StatementDescription description) {
      statement = description;
      return this;
    }

    Entry hidden() {
      hidden = true;
      return this;
    }

    Entry touchingMasked(boolean touches) {
      touchesMasked = touches;
      return this;
    }

    Entry mustFail(ErrorReply error) {
      replacement = error;
      return this;
    }

    Entry own(OwnQuery query) {
      ownQuery = query;
      return this;
    }

    Entry running(RunningOperation running) {
      operation = running;
      return this;
    }

    Entry changing(StatementNames.Change names) {
      change = names;
      return this;
    }

    /** What is remembered of the operation that the message belongs to. */
    RecordedOperation recorded() {
      return operation == null ? recorded : operation.recorded();
    }

    Entry recordedAs(RecordedOperation record) {
      recorded = record;
      return this;
    }

    /** Who wants to know the columns that are described; null for nobody. */
    Consumer<Repeated<Columns>> columns() {
      return columns;
    }

    Entry tellingColumns(Consumer<Repeated<Columns>> listener) {
      columns = listener;
      return this;
    }

    Entry effects(List<SessionEffect> more) {
      if (effects.isEmpty()) {
        effects = more;
      } else if (!more.isEmpty()) {
        effects = Stream.concat(effects.stream(), more.stream()).toList();
      }
      return this;
    }

    /** Whether the target may ask for rows. */
    boolean copiesIn() {
      return copiesIn;
    }

    Entry copyingIn(boolean copies) {
      copiesIn |= copies;
      return this;
    }

    /** The target answered with an error: what was to follow from success does not. */
    void failed() {
      effects = List.of();
      replacement = null;
      change = null;
      copiesIn = false;
    }

    private void clear() {
      effects = List.of();
      copiesIn = false;
      replacement = null;
      ownQuery = null;
      operation = null;
      change = null;
      described = null;
      statement = null;
      hidden = false;
      touchesMasked = false;
      recorded = RecordedOperation.NONE;
      columns = null;
    }
  }

  private static final int INITIAL_CAPACITY = 16;

  private Entry[] entries = new Entry[INITIAL_CAPACITY];
  private int head;
  private int size;

  boolean isEmpty() {
    return size == 0;
  }

  int size() {
    return size;
  }

  /** The entry that the next answer is for, or null. */
  Entry head() {
    return size == 0 ? null : entries[head];
  }

  Entry add(Kind kind, long group) {
    if (size == entries.length) {
      grow();
    }
    int index = (head + size) & (entries.length - 1);
    Entry entry = entries[index];
    if (entry == null) {
      entry = new Entry();
      entries[index] = entry;
    }
    entry.kind = kind;
    entry.group = group;
    size++;
    return entry;
  }

  void removeHead() {
    entries[head].clear();
    head = (head + 1) & (entries.length - 1);
    size--;
  }

  /**
   * Removes what an error in the extended protocol makes the target skip: everything to the next
   * Sync, simple queries too. PostgreSQL documentation, "Extended Query".
   *
   * @param skipped told of each name change that will not come about
   * @return the Sync, which stays; empty where the client has not sent it yet
   */
  Optional<Entry> skipToSync(Consumer<StatementNames.Change> skipped) {
    while (size > 0) {
      Entry entry = entries[head];
      if (entry.kind == Kind.SYNC) {
        return Optional.of(entry);
      }
      if (entry.change != null) {
        skipped.accept(entry.change);
      }
      if (entry.described != null) {
        entry.described.skipped();
      }
      removeHead();
    }
    return Optional.empty();
  }

  /** Shows all entries, in the order they are answered. */
  void forEach(Consumer<Entry> each) {
    for (int i = 0; i < size; i++) {
      each.accept(entries[(head + i) & (entries.length - 1)]);
    }
  }

  private void grow() {
    Entry[] larger = new Entry[entries.length * 2];
    for (int i = 0; i < size; i++) {
      larger[i] = entries[(head + i) & (entries.length - 1)];
    }
    entries = larger;
    head = 0;
  }
}
