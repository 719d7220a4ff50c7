package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.SessionEffect;
import dev.chaperone.recording.Columns;
import dev.chaperone.recording.Repeated;
import dev.chaperone.recording.Statement;
import java.nio.charset.StandardCharsets;

/**
 * A statement a client prepared, by Parse or by {@code PREPARE}. The text is kept because it is
 * judged anew at each Bind under the policy, role, search path and catalog of that moment.
 */
final class PreparedStatement implements StatementNames.Change {
  /** Most clients leave the types to the server. */
  static final int[] NO_TYPES = {};

  private final String name;
  private final byte[] text;
  private final int[] parameterTypes;
  private Judgement judgement;
  private JudgementContext describedIn;
  private RowLayout layout;
  private Repeated<Columns> columns = Columns.NONE;
  private Repeated<Statement> remembered;
  private Judgement rememberedFor;

  PreparedStatement(String name, byte[] text, int[] parameterTypes, Judgement judgement) {
    this.name = name;
    this.text = text;
    this.parameterTypes = parameterTypes;
    this.judgement = judgement;
  }

  /** A statement that {@code PREPARE} makes. */
  static PreparedStatement of(SessionEffect.Prepares effect) {
    return new PreparedStatement(
        effect.name(), effect.body().canonical().getBytes(StandardCharsets.UTF_8), NO_TYPES, null);
  }

  String name() {
    return name;
  }

  byte[] text() {
    return text;
  }

  /** OIDs of the parameters' types as far as the client declared them; not to be modified. */
  int[] parameterTypes() {
    return parameterTypes;
  }

  /** The target said what its result's columns are; null for none. */
  void described(JudgementContext context, RowLayout columns) {
    describedIn = context;
    layout = columns;
  }

  /** Its result's columns, where the target has said so in this context; else null. */
  RowLayout layout(JudgementContext context) {
    return describedIn == context ? layout : null;
  }

  /** The last judgement; valid only in the context it was made in. Null where there is none. */
  Judgement judgement() {
    return judgement;
  }

  void judgement(Judgement latest) {
    judgement = latest;
  }

  /** What the target says that it returns, once it was asked. */
  Repeated<Columns> columns() {
    return columns;
  }

  void columns(Repeated<Columns> described) {
    columns = described;
  }

  /** The text as it is remembered; the same object for every use of it. */
  @SuppressWarnings("ReferenceEquality") // Another judgement may conceal more.
  Repeated<Statement> remembered(Judgement at, JudgementRecords records) {
    if (remembered == null || rememberedFor != at) {
      remembered = records.statement(at, text, true);
      rememberedFor = at;
    }
    return remembered;
  }
}
