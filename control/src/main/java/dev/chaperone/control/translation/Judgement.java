package dev.chaperone.control.translation;

import dev.chaperone.control.resource.Definitions;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.resource.ResourceDocuments;
import java.util.ArrayList;
import java.util.List;

/**
 * Says of one AgentConnection or AccessPolicy by itself what is wrong with it, as strictly and in
 * the same words as a gateway that reads it from a directory. What depends on other resources (a
 * Secret, a connection that a policy names) is not judged.
 */
public final class Judgement {
  private Judgement() {}

  /**
   * Judges one.
   *
   * @param name what it is called in problems, such as {@code AgentConnection support/orders-db}
   * @param json as the API server has it, in UTF-8
   * @return what is wrong; empty where nothing is
   */
  public static List<Problem> of(String name, byte[] json) {
    try {
      Definitions definitions = ResourceDocuments.readOne(name, json);
      List<Problem> problems = new ArrayList<>();
      definitions.connections().forEach(c -> ConnectionChecks.check(c, problems));
      definitions.policies().forEach(p -> PolicyChecks.check(p, 1, problems));
      return problems.isEmpty()
          ? List.of()
          : new InvalidConfigurationException(problems).withoutPlaces().problems();
    } catch (InvalidConfigurationException e) {
      return e.problems();
    }
  }
}
