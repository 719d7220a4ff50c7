package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.sql.SessionEffect;
import java.nio.charset.StandardCharsets;

/**
 * A statement a client prepared, by Parse or by {@code PREPARE}. The text is kept because it is
 * judged anew at each Bind under the policy, role, search path and catalog of that moment.
 */
final class PreparedStatement implements StatementNames.Change {
  private final String name;
  private final byte[] text;
  private Judgement judgement;

  PreparedStatement(String name, byte[] text, Judgement judgement) {
    this.name = name;
    this.text = text;
    this.judgement = judgement;
  }

  /** A statement that {@code PREPARE} makes. */
  static PreparedStatement of(SessionEffect.Prepares effect) {
    return new PreparedStatement(
        effect.name(), effect.body().canonical().getBytes(StandardCharsets.UTF_8), null);
  }

  String name() {
    return name;
  }

  byte[] text() {
    return text;
  }

  /** The last judgement; valid only in the context it was made in. Null where there is none. */
  Judgement judgement() {
    return judgement;
  }

  void judgement(Judgement latest) {
    judgement = latest;
  }
}
