package dev.chaperone.operator.distribution;

import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** Conditions as Kubernetes writes them. */
public final class Conditions {
  private static final int MAX_MESSAGE = 4_096;

  private Conditions() {}

  /** One that is found now; when it began to hold is said by {@link #merge}. */
  public static Condition of(
      String type, ConditionStatus status, String reason, String message, Long generation) {
    return new Condition(type, status, reason, Words.shown(message, MAX_MESSAGE), null, generation);
  }

  /** One of a type. */
  public static Optional<Condition> find(List<Condition> conditions, String type) {
    return list(conditions).stream().filter(one -> one.type().equals(type)).findFirst();
  }

  /**
   * What is to be written: what is found now, each with the time at which its status began to be
   * what it is.
   *
   * @param before as they stand; may be null
   */
  public static List<Condition> merge(List<Condition> before, List<Condition> found, Instant now) {
    List<Condition> merged = new ArrayList<>();
    for (Condition one : found) {
      String since =
          find(before, one.type())
              .filter(was -> was.status() == one.status())
              .map(Condition::lastTransitionTime)
              .orElseGet(() -> Words.time(now));
      merged.add(
          new Condition(
              one.type(),
              one.status(),
              one.reason(),
              one.message(),
              since,
              one.observedGeneration()));
    }
    return merged;
  }

  /** The same, and what is said of other things stays as it is. */
  public static List<Condition> with(List<Condition> before, Condition found, Instant now) {
    List<Condition> all = new ArrayList<>(list(before));
    all.removeIf(one -> one.type().equals(found.type()));
    all.addAll(merge(before, List.of(found), now));
    return all;
  }

  /** A list where a resource has none. */
  public static <T> List<T> list(List<T> list) {
    return Objects.requireNonNullElse(list, List.of());
  }
}
