package dev.chaperone.operator.program;

import java.util.Optional;
import java.util.function.Supplier;

/** A part of the operator that others have to be able to rely on. */
public interface ReadinessSource {

  /** What it is called in the answer of {@code /health/ready}. */
  String name();

  /** Why it cannot be relied on now; empty where it can. Must not wait. */
  Optional<String> problem();

  /** One that is named and asked so. */
  static ReadinessSource of(String name, Supplier<Optional<String>> problem) {
    return new ReadinessSource() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Optional<String> problem() {
        return problem.get();
      }
    };
  }
}
