package dev.chaperone.operator.channel;

import dev.chaperone.control.translation.SecretBytes;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Asks the API server what a token is worth. */
public interface TokenReviewer {
  /** The audience that sidecars' tokens are made for. */
  String AUDIENCE = "chaperone";

  /**
   * What the API server says of a token, as it says it.
   *
   * @param audiences those of {@link #AUDIENCE} that the token is for
   * @param extra what else the token says of its holder
   */
  record Verdict(
      boolean authenticated,
      List<String> audiences,
      String username,
      Map<String, List<String>> extra) {
    public Verdict {
      audiences = List.copyOf(audiences);
      Objects.requireNonNull(username, "username");
      extra = Map.copyOf(extra);
    }
  }

  /**
   * Has a token reviewed.
   *
   * @throws IOException where the API server does not answer
   */
  Verdict review(SecretBytes token) throws IOException;
}
