package dev.chaperone.policy;

/**
 * What an analysis or a decision depended on besides the text without its literals, the policy set,
 * the catalog, the role and the search path. A decision is reused only where none of these can have
 * changed.
 */
public enum Dependency {
  /** The literals in the text: the same text with another literal may be decided otherwise. */
  LITERALS,
  /** The values bound to parameters. */
  PARAMETERS,
  /** Names that live in one client's session: prepared statements, cursors, temporary objects. */
  SESSION,
  /** The clock. */
  TIME
}
