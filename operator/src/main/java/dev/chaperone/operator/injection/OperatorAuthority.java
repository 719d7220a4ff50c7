package dev.chaperone.operator.injection;

import java.util.Objects;

/** Where a gateway finds the certificates by which it knows the operator. */
public sealed interface OperatorAuthority {

  /**
   * In the pod itself. Nobody can change them there; a pod that outlives them must be replaced.
   *
   * @param pem certificates in PEM
   */
  record Inline(String pem) implements OperatorAuthority {
    public Inline {
      Objects.requireNonNull(pem, "pem");
    }
  }

  /**
   * In a ConfigMap of the pod's namespace, which the operator keeps. Whoever else can write it can
   * stand in for the operator, so an admission policy must guard it.
   */
  record ConfigMap(String name, String key) implements OperatorAuthority {
    public ConfigMap {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(key, "key");
    }
  }
}
