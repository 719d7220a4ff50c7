package dev.chaperone.sidecar.gateway;

import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.policy.Limits;
import dev.chaperone.policy.PolicySet;
import dev.chaperone.policy.Requester;
import dev.chaperone.policy.masking.MaskSource;
import dev.chaperone.policy.masking.Masks;
import java.util.List;

/**
 * All that is in force for one connection at one moment. Replaced as a whole by each new
 * configuration and therefore compared by identity.
 */
public final class Ruling {
  private final ConnectionConfiguration connection;
  private final PolicySet policies;
  private final Requester requester;
  private final RowLimit rowLimit;
  private final Masks masks;
  private final List<MaskSource> maskSources;

  Ruling(ConnectionConfiguration connection, PolicySet policies) {
    this.connection = connection;
    this.policies = policies;
    this.requester = connection.requester();
    this.rowLimit = RowLimit.of(connection.limits());
    this.masks = policies.masks(requester);
    this.maskSources = policies.maskSources(requester);
  }

  /** How the target is reached. */
  public ConnectionConfiguration connection() {
    return connection;
  }

  /** What decides. */
  public PolicySet policies() {
    return policies;
  }

  /** Who asks. */
  public Requester requester() {
    return requester;
  }

  /** The smallest of the policies' limits. */
  public Limits limits() {
    return connection.limits();
  }

  /** What is masked. */
  public Masks masks() {
    return masks;
  }

  /** The entries of policies that say what is masked. */
  public List<MaskSource> maskSources() {
    return maskSources;
  }

  /** How much of a result one operation may bring. */
  public RowLimit rowLimit() {
    return rowLimit;
  }
}
