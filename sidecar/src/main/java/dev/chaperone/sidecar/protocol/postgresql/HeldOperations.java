package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.control.translation.ConnectionConfiguration.Target;
import dev.chaperone.crds.v1alpha1.Effect;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.RequestAccess;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.policy.Access;
import dev.chaperone.policy.Decision;
import dev.chaperone.policy.Decision.RuleReference;
import dev.chaperone.policy.Operation;
import dev.chaperone.policy.sql.ReadableText;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.SqlSession;
import dev.chaperone.policy.sql.TextWithoutLiterals;
import dev.chaperone.sidecar.approval.HeldOperation;
import dev.chaperone.sidecar.approval.OperationDigest;
import dev.chaperone.sidecar.gateway.Session;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Puts what an operation would do into words for an approver, and into the digest that an approval
 * is bound to. The digest covers everything that decides what the operation does: texts, parameters
 * with their types, target, role, search path, what it was found to access, and the rules that ask,
 * with their policies' uids and generations.
 */
final class HeldOperations {
  /** Text and parameters together; what is longer nobody can read. */
  static final int MAX_BYTES = 64 << 10;

  private static final int MAX_ACCESSES = 256;
  private static final int MAX_PARAMETERS = 256;
  private static final int KEY_BYTES = 32;

  private final Session session;
  private final byte[] key = new byte[KEY_BYTES];

  HeldOperations(Session session) {
    this.session = session;
    new SecureRandom().nextBytes(key);
  }

  /** Empty where the operation is too large to be decided by a person. */
  Optional<HeldOperation> of(
      Judgement judgement, BoundParameters parameters, ClientRecording recording) {
    Operation operation = ((SqlAnalysis.Understood) judgement.analysis()).operation();
    Decision.RequireApproval decision =
        (Decision.RequireApproval) judgement.decision().orElseThrow();
    List<RequestAccess> accesses =
        operation.parts().stream()
            .flatMap(part -> part.accesses().stream())
            .distinct()
            .map(HeldOperations::readable)
            .toList();
    int bytes = operation.text().getBytes(StandardCharsets.UTF_8).length + parameters.bytes();
    if (bytes > MAX_BYTES
        || accesses.size() > MAX_ACCESSES
        || parameters.count() > MAX_PARAMETERS) {
      return Optional.empty();
    }
    return Optional.of(
        new HeldOperation(
            session,
            recording.client(),
            recording.recorder(),
            judgement.context().ruling(),
            decision,
            new RequestOperation(
                Protocol.POSTGRESQL,
                accesses,
                readable(judgement, operation.text()),
                parameters.readable(Concealment.standard(judgement).parameters()),
                digest(judgement.context(), operation, decision, parameters))));
  }

  /** The text, without literals where these are secrets or go into masked columns. */
  private static String readable(Judgement judgement, String text) {
    return ReadableText.of(
        Concealment.standard(judgement).literals()
            ? TextWithoutLiterals.of(
                text, judgement.context().session().catalog().serverVersionNum())
            : text);
  }

  private String digest(
      JudgementContext context,
      Operation operation,
      Decision.RequireApproval decision,
      BoundParameters parameters) {
    Target target = context.ruling().connection().target();
    SqlSession sql = context.session();
    OperationDigest digest = new OperationDigest(key);
    digest.add(session.name()).add(operation.protocol()).add(operation.text());
    digest.add(target.host()).add(target.port()).add(target.database());
    digest.add(sql.role()).add(sql.searchPaths().size());
    for (List<String> path : sql.searchPaths()) {
      digest.add(path.size());
      path.forEach(digest::add);
    }
    digest.add(decision.rules().size());
    for (RuleReference rule : decision.rules()) {
      digest.add(rule.namespace()).add(rule.policy()).add(rule.rule());
      digest.add(rule.uid()).add(rule.generation());
    }
    for (Operation.Part part : operation.parts()) {
      digest.add(part.command()).add(part.accesses().size());
      for (Access access : part.accesses()) {
        digest.add(access.effect().name()).add(access.command()).add(access.resource());
      }
    }
    parameters.addTo(digest);
    return digest.finish();
  }

  private static RequestAccess readable(Access access) {
    return new RequestAccess(
        Effect.valueOf(access.effect().name().toUpperCase(Locale.ROOT)),
        ReadableText.of(access.command()),
        ReadableText.of(access.resource()));
  }
}
