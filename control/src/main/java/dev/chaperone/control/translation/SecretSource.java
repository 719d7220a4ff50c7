package dev.chaperone.control.translation;

import dev.chaperone.control.resource.Metadata;
import dev.chaperone.control.resource.Secret;
import java.util.Optional;

/** Where the values of Secrets are found. */
public interface SecretSource {

  /**
   * A Secret that a connection names; it is in the connection's namespace.
   *
   * @return empty where there is none, or where it cannot be read
   */
  Optional<Secret> secret(Metadata connection, String name);
}
