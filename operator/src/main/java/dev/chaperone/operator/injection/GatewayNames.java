package dev.chaperone.operator.injection;

import java.util.List;

/** The names that belong to the gateway in every pod it is put in. */
public final class GatewayNames {
  /** The container. */
  public static final String CONTAINER = "chaperone";

  /** The label that says what was done with a pod. For people and lists: nothing trusts it. */
  public static final String LABEL = "chaperone.dev/injection";

  /** The audience of the token that the gateway shows the operator. */
  public static final String AUDIENCE = "chaperone";

  /** The volume with the token, and the operator's CA where that comes from a ConfigMap. */
  static final String TOKEN_VOLUME = "chaperone-token";

  /** The volume with the keys of the connections' Secrets. */
  public static final String SECRETS_VOLUME = "chaperone-secrets";

  /** The volume of the journal. */
  static final String JOURNAL_VOLUME = "chaperone-journal";

  /** The volume in memory. */
  static final String MEMORY_VOLUME = "chaperone-memory";

  static final List<String> VOLUMES =
      List.of(TOKEN_VOLUME, SECRETS_VOLUME, JOURNAL_VOLUME, MEMORY_VOLUME);

  private GatewayNames() {}
}
