package dev.chaperone.policy;

import java.util.Objects;

/**
 * One thing an operation does to one resource: the unit that rules match.
 *
 * @param effect what is done
 * @param command the protocol's own word for it; a PostgreSQL command tag such as {@code DELETE} or
 *     {@code DROP TABLE}
 * @param resource the canonical name: {@code schema.table}, {@code schema.function()}, {@code
 *     pg_temp.x}, {@code role/x}, {@code schema/x}, {@code database/x}, {@code setting/x}
 */
public record Access(Effect effect, String command, String resource) {
  public Access {
    Objects.requireNonNull(effect, "effect");
    Objects.requireNonNull(command, "command");
    Objects.requireNonNull(resource, "resource");
  }

  @Override
  public String toString() {
    return effect.label() + " " + command + " " + resource;
  }
}
