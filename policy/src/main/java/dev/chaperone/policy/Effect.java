package dev.chaperone.policy;

/** What an operation does to a resource, whatever its protocol calls it. */
public enum Effect {
  /** Looks at data. */
  READ("Read"),
  /** Changes data. */
  WRITE("Write"),
  /** Changes what data can be: tables, indexes, functions. */
  SCHEMA("Schema"),
  /** Changes who may do what. */
  PRIVILEGE("Privilege"),
  /** Changes only the client's own session. */
  SESSION_STATE("SessionState"),
  /** Runs code whose effect the gateway cannot know. */
  EXECUTE("Execute"),
  /** Everything that is not understood; only a rule that names it can allow it. */
  UNKNOWN("Unknown");

  private final String label;

  Effect(String label) {
    this.label = label;
  }

  /** The name used in resources, messages and recordings. */
  public String label() {
    return label;
  }
}
